//! One bucket's rows: opportunities judged, controls drawn, features replayed to just before t, outcomes after it.

use ceteris_contract::dataset::Dataset;
use ceteris_contract::event::StoredEvent;
use ceteris_contract::time::Timestamp;
use ceteris_features::{UnitState, ViewSet, ViewValue};

use crate::judge::{Opportunity, Verdict, judge};
use crate::load::Loaded;
use crate::plan::Plan;
use crate::report::Counts;
use crate::rows;
use crate::spec::Spec;

/// The rows of a bucket in the order of (unit, t, event_id), and what was counted on the way.
pub(crate) fn replay(spec: &Spec, plan: &Plan, loaded: &Loaded) -> (Dataset, Counts) {
    let mut dataset = rows::empty(spec);
    let mut counts = Counts {
        events: loaded.events.len() as u64,
        repeats: loaded.repeats,
        ..Counts::default()
    };
    for events in loaded.units() {
        counts.units += 1;
        let opportunities = judge(spec, events, plan.as_of, &plan.watermarks);
        counts.opportunities += opportunities.len() as u64;
        let kept = kept(plan, opportunities, &mut counts);
        if !kept.is_empty() {
            unit_rows(spec, events, &kept, &mut dataset, &mut counts);
        }
    }
    (dataset, counts)
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
    kept: &[(Opportunity<'_>, f64)],
    dataset: &mut Dataset,
    counts: &mut Counts,
) {
    let none = vec![None; spec.treatments.len()];
    let after = spec.after.collect(events);
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
        rows::push(
            dataset,
            opportunity,
            arms,
            *weight,
            vector,
            spec.after.values(&after, t),
        );
    }
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
