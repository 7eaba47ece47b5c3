//! Which opportunities are rows: maturity, washout, arms. Nothing after t excludes one, but a dose nobody knows.

use ceteris_contract::event::StoredEvent;
use ceteris_contract::time::Timestamp;

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
    /// A treatment event that belongs to it shows a dose that the problem does not list.
    UnknownDose,
}

impl Reason {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Reason::Immature => "immature",
            Reason::Washout => "washout",
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

/// Judges the opportunities of one unit, whose events are sorted by (ts, event_id), in that order.
pub(crate) fn judge<'a>(
    spec: &'a Spec,
    events: &'a [StoredEvent],
    as_of: Timestamp,
    watermarks: &Watermarks,
) -> Vec<Opportunity<'a>> {
    let given: Vec<Vec<&StoredEvent>> = (spec.treatments.iter())
        .map(|treatment| {
            events
                .iter()
                .filter(|event| event.event_type == treatment.event)
                .collect()
        })
        .collect();
    events
        .iter()
        .filter(|event| spec.uses(&event.event_type).is_some_and(|uses| uses.opportunity))
        .map(|event| {
            let known_until = as_of.min(watermarks.of(event.unit));
            if event.ts.plus(spec.maturity) > known_until {
                return excluded(event, Reason::Immature);
            }
            if washed(spec, &given, event.ts) {
                return excluded(event, Reason::Washout);
            }
            treat(spec, &given, event)
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

/// Whether any treatment was given at `t - washout <= ts < t`.
fn washed(spec: &Spec, given: &[Vec<&StoredEvent>], t: Timestamp) -> bool {
    spec.treatments.iter().zip(given).any(|(treatment, given)| {
        let before = given.partition_point(|event| event.ts < t);
        before > 0 && given[before - 1].ts >= t.minus(treatment.washout)
    })
}

fn treat<'a>(spec: &'a Spec, given: &[Vec<&'a StoredEvent>], event: &'a StoredEvent) -> Opportunity<'a> {
    let mut arms = Vec::with_capacity(given.len());
    let mut further = 0;
    for (treatment, given) in spec.treatments.iter().zip(given) {
        let from = given.partition_point(|e| e.ts < event.ts);
        let to = given.partition_point(|e| e.ts < event.ts.plus(spec.attribution));
        let mine = &given[from..to.max(from)];
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
