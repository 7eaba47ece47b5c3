//! One bucket's rows: opportunities judged, controls drawn, features replayed to just before t, outcomes after it.

use ceteris_contract::dataset::{Assignment, Dataset};
use ceteris_contract::event::StoredEvent;
use ceteris_contract::time::Timestamp;
use ceteris_contract::value::Value;
use ceteris_features::{AfterUnit, UnitState, ViewSet, ViewValue};

use crate::error::EtlError;
use crate::judge::{Given, Known, Opportunity, Reason, Verdict, judge};
use crate::load::{Loaded, UnitLog};
use crate::logged::LoggedRow;
use crate::plan::Plan;
use crate::report::Counts;
use crate::rows::{self, Row};
use crate::spec::Spec;

/// The rows of a bucket, and what was counted on the way.
///
/// # Errors
/// [`EtlError::Decision`].
pub(crate) fn replay(spec: &Spec, plan: &Plan, loaded: &Loaded) -> Result<(Dataset, Counts), EtlError> {
    let mut dataset = rows::empty(spec);
    let mut counts = Counts {
        events: loaded.events.len() as u64,
        repeats: loaded.repeats,
        ..Counts::default()
    };
    let known = plan.known();
    for log in loaded.units() {
        counts.units += 1;
        let opportunities = judge(spec, log, &known);
        counts.opportunities += opportunities.len() as u64;
        let after = spec.after.collect(log.events);
        let kept = kept(plan, opportunities, &mut counts);
        if !kept.is_empty() {
            unit_rows(spec, log.events, &after, &kept, &mut dataset, &mut counts);
        }
        logged_rows(spec, log, &after, &known, &mut dataset, &mut counts)?;
    }
    Ok((dataset, counts))
}

/// The opportunities that become rows, with their weights.
fn kept<'a>(plan: &Plan, all: Vec<Opportunity<'a>>, counts: &mut Counts) -> Vec<(Opportunity<'a>, f64)> {
    let mut kept = Vec::new();
    for opportunity in all {
        match &opportunity.verdict {
            Verdict::Excluded(reason) => {
                *counts.excluded.entry(reason.code().to_owned()).or_default() += 1;
            }
            Verdict::Treated(_) => {
                counts.further_treatment_events += opportunity.further;
                kept.push((opportunity, 1.0));
            }
            Verdict::Control => {
                counts.control_candidates += 1;
                match plan.sampled(opportunity.event.unit, opportunity.event.ts) {
                    Some(weight) => kept.push((opportunity, weight)),
                    None => counts.controls_not_sampled += 1,
                }
            }
        }
    }
    kept
}

fn unit_rows(
    spec: &Spec,
    events: &[StoredEvent],
    after: &AfterUnit,
    kept: &[(Opportunity<'_>, f64)],
    dataset: &mut Dataset,
    counts: &mut Counts,
) {
    let none = vec![None; spec.treatments.len()];
    let mut arrived = Arrived::of(spec, events, kept);
    let mut state = UnitState::new(&spec.views);
    let mut applied = 0;
    for (opportunity, weight) in kept {
        let t = opportunity.event.ts;
        while applied < events.len() && events[applied].ts < t {
            state.apply(&spec.views, &events[applied]);
            applied += 1;
        }
        let vector = state.vector(&spec.views, t);
        if let Some(arrived) = &mut arrived
            && arrived.vector(&spec.views, t) != vector
        {
            counts.late_changed_rows += 1;
        }
        let arms = match &opportunity.verdict {
            Verdict::Treated(arms) => arms,
            _ => &none,
        };
        let row = Row {
            unit: opportunity.event.unit.key,
            t,
            source: &opportunity.event.event_id,
            assignment: Assignment::Observed,
            weight: *weight,
        };
        let features = vector.into_iter().map(|view| view.value);
        let arms = arms.iter().map(|arm| arm.map_or(Value::Null, Value::from));
        rows::push(
            dataset,
            &row,
            features.chain(arms).chain(spec.after.values(after, t)),
        );
    }
}

/// The rows of the unit's decisions: mature ones, outside the washout, of an arm that the problem knows.
fn logged_rows(
    spec: &Spec,
    log: UnitLog<'_>,
    after: &AfterUnit,
    known: &Known,
    dataset: &mut Dataset,
    counts: &mut Counts,
) -> Result<(), EtlError> {
    if log.decisions.is_empty() {
        return Ok(());
    }
    let given = Given::of(spec, log.events);
    for decision in log.decisions {
        counts.decisions += 1;
        let logged = if !known.mature(spec, decision.unit, decision.ts) {
            Err(Reason::Immature)
        } else if given.washed(spec, decision.ts) {
            Err(Reason::Washout)
        } else {
            LoggedRow::of(spec, decision, log.events)?.ok_or(Reason::UnknownDose)
        };
        match logged {
            Ok(logged) => push_logged(spec, logged, after, dataset),
            Err(reason) => {
                *counts
                    .decisions_excluded
                    .entry(reason.code().to_owned())
                    .or_default() += 1
            }
        }
    }
    Ok(())
}

fn push_logged(spec: &Spec, logged: LoggedRow, after: &AfterUnit, dataset: &mut Dataset) {
    let row = Row {
        unit: logged.unit.key,
        t: logged.t,
        source: &logged.id,
        assignment: Assignment::Logged,
        weight: 1.0,
    };
    let arms = logged
        .arms
        .into_iter()
        .map(|arm| arm.map_or(Value::Null, Value::Text));
    let after = spec.after.values(after, logged.t);
    let known = logged
        .propensities
        .into_iter()
        .chain(logged.exposures)
        .map(Value::Number);
    rows::push(
        dataset,
        &row,
        logged.features.into_iter().chain(arms).chain(after).chain(known),
    );
}

/// The unit's features as they stood online: only events that had arrived.
///
/// At t these are the events with `ts < t` and `arrived_at <= t`, a set that only grows with t; so a second state
/// that takes each event at `max(ts + 1, arrived_at)` follows the rows.
struct Arrived<'a> {
    waiting: Vec<(Timestamp, &'a StoredEvent)>,
    taken: usize,
    state: UnitState,
}

impl<'a> Arrived<'a> {
    /// `None` where no event came after a row that it belongs before: then there is nothing to compare.
    fn of(spec: &Spec, events: &'a [StoredEvent], kept: &[(Opportunity<'_>, f64)]) -> Option<Self> {
        let late = |event: &StoredEvent| {
            let first_after = kept.partition_point(|(opportunity, _)| opportunity.event.ts <= event.ts);
            kept.get(first_after)
                .is_some_and(|(opportunity, _)| opportunity.event.ts < event.arrived_at)
        };
        let read = || events.iter().filter(|event| spec.views.reads(&event.event_type));
        if !read().any(late) {
            return None;
        }
        let mut waiting: Vec<(Timestamp, &StoredEvent)> = read()
            .map(|event| {
                (
                    Timestamp(event.ts.0.saturating_add(1)).max(event.arrived_at),
                    event,
                )
            })
            .collect();
        waiting.sort_by_key(|(from, _)| *from);
        Some(Arrived {
            waiting,
            taken: 0,
            state: UnitState::new(&spec.views),
        })
    }

    fn vector(&mut self, views: &ViewSet, t: Timestamp) -> Vec<ViewValue> {
        while let Some((from, event)) = self.waiting.get(self.taken)
            && *from <= t
        {
            self.state.apply(views, event);
            self.taken += 1;
        }
        self.state.vector(views, t)
    }
}
