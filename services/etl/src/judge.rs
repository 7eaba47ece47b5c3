//! Which opportunities are rows: maturity, washout, arms. Nothing after t excludes one, but a dose nobody knows.
//! An opportunity that a decision of ours stood behind is that decision's row.

use ceteris_contract::event::StoredEvent;
use ceteris_contract::identity::Unit;
use ceteris_contract::time::Timestamp;

use crate::load::UnitLog;
use crate::logged::Decided;
use crate::request::Watermarks;
use crate::spec::Spec;

/// What an opportunity is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict<'a> {
    /// The arm of each treatment, in the problem's order; at least one.
    Treated(Vec<Option<&'a str>>),
    /// No treatment at all.
    Control,
    /// No row.
    Excluded(Reason),
}

/// Why an opportunity is no row; the first that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Its windows have not ended, or the log has not passed their end. Whether the outcome came does not matter.
    Immature,
    /// The unit had a treatment within its washout.
    Washout,
    /// A decision of ours chose its treatment, or that there was none: the decision is the row.
    Decided,
    /// A treatment event that belongs to it shows a dose that the problem does not list.
    UnknownDose,
}

impl Reason {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Reason::Immature => "immature",
            Reason::Washout => "washout",
            Reason::Decided => "decided",
            Reason::UnknownDose => "unknown_dose",
        }
    }
}

/// An opportunity of one unit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Opportunity<'a> {
    pub(crate) event: &'a StoredEvent,
    pub(crate) verdict: Verdict<'a>,
    /// Treatment events beyond the first of their treatment.
    pub(crate) further: u64,
}

/// Until when the world is known.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) as_of: Timestamp,
    pub(crate) watermarks: Watermarks,
}

impl Known {
    /// Whether everything about a row of this unit at `t` is known.
    pub(crate) fn mature(&self, spec: &Spec, unit: Unit, t: Timestamp) -> bool {
        t.plus(spec.maturity) <= self.as_of.min(self.watermarks.of(unit))
    }
}

/// One unit's treatment events.
#[derive(Debug)]
pub(crate) struct Given<'a> {
    /// By treatment, each by (ts, event_id).
    by_treatment: Vec<Vec<&'a StoredEvent>>,
}

impl<'a> Given<'a> {
    pub(crate) fn of(spec: &Spec, events: &'a [StoredEvent]) -> Self {
        let of = |name: &str| events.iter().filter(|event| event.event_type == name).collect();
        Given {
            by_treatment: spec
                .treatments
                .iter()
                .map(|treatment| of(&treatment.event))
                .collect(),
        }
    }

    /// Whether any treatment was given at `t - washout <= ts < t`.
    pub(crate) fn washed(&self, spec: &Spec, t: Timestamp) -> bool {
        spec.treatments
            .iter()
            .zip(&self.by_treatment)
            .any(|(treatment, given)| {
                let before = given.partition_point(|event| event.ts < t);
                before > 0 && given[before - 1].ts >= t.minus(treatment.washout)
            })
    }

    /// By treatment the events at `t <= ts < t + attribution`.
    fn attributed(&self, spec: &Spec, t: Timestamp) -> impl Iterator<Item = &[&'a StoredEvent]> {
        self.by_treatment.iter().map(move |given| {
            let from = given.partition_point(|event| event.ts < t);
            let to = given.partition_point(|event| event.ts < t.plus(spec.attribution));
            &given[from..to.max(from)]
        })
    }
}

/// Judges the opportunities of one unit in the order of time.
pub(crate) fn judge<'a>(spec: &'a Spec, log: UnitLog<'a>, known: &Known) -> Vec<Opportunity<'a>> {
    let given = Given::of(spec, log.events);
    let decided = Decided::of(log.decisions);
    (log.events.iter())
        .filter(|event| spec.uses(&event.event_type).is_some_and(|uses| uses.opportunity))
        .map(|event| {
            let caused = || {
                given
                    .attributed(spec, event.ts)
                    .flatten()
                    .any(|event| decided.caused(event))
            };
            if !known.mature(spec, event.unit, event.ts) {
                excluded(event, Reason::Immature)
            } else if given.washed(spec, event.ts) {
                excluded(event, Reason::Washout)
            } else if decided.near(spec, event.ts) || caused() {
                excluded(event, Reason::Decided)
            } else {
                treat(spec, &given, event)
            }
        })
        .collect()
}

fn excluded(event: &StoredEvent, reason: Reason) -> Opportunity<'_> {
    Opportunity {
        event,
        verdict: Verdict::Excluded(reason),
        further: 0,
    }
}

fn treat<'a>(spec: &'a Spec, given: &Given<'a>, event: &'a StoredEvent) -> Opportunity<'a> {
    let mut arms = Vec::with_capacity(spec.treatments.len());
    let mut further = 0;
    for (treatment, mine) in spec.treatments.iter().zip(given.attributed(spec, event.ts)) {
        let mut found = mine.iter().map(|event| treatment.arm(event));
        if found.clone().any(|arm| arm.is_none()) {
            return excluded(event, Reason::UnknownDose);
        }
        arms.push(found.next().flatten());
        further += mine.len().saturating_sub(1) as u64;
    }
    let verdict = if arms.iter().any(Option::is_some) {
        Verdict::Treated(arms)
    } else {
        Verdict::Control
    };
    Opportunity {
        event,
        verdict,
        further,
    }
}
