//! What a run saw: for people, for gates, for the manifest's diagnostics.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::balance::Balance;

/// Counts of one bucket, or of all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Units with an event of a type that the problem reads.
    pub units: u64,
    /// Their events, each once.
    pub events: u64,
    /// Repeats of an event_id that were dropped.
    pub repeats: u64,
    /// Opportunity events.
    pub opportunities: u64,
    /// Opportunities that are no row, by the first reason that applies: `immature`, `washout`, `decided` (the decision
    /// is the row), `unknown_dose`.
    pub excluded: BTreeMap<String, u64>,
    /// Eligible opportunities without any treatment.
    pub control_candidates: u64,
    /// Those of them that were not drawn.
    pub controls_not_sampled: u64,
    /// Treatment events after the first of their treatment at one opportunity; the first is the arm.
    pub further_treatment_events: u64,
    /// Decisions of ours for this problem.
    pub decisions: u64,
    /// Decisions that are no row: `immature`, `washout`, `unknown_dose` (of an arm that the problem does not list).
    pub decisions_excluded: BTreeMap<String, u64>,
    /// Observed rows whose features would have been others by the events that had arrived at t.
    pub late_changed_rows: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, more: &Counts) {
        self.units += more.units;
        self.events += more.events;
        self.repeats += more.repeats;
        self.opportunities += more.opportunities;
        add_all(&mut self.excluded, &more.excluded);
        self.decisions += more.decisions;
        add_all(&mut self.decisions_excluded, &more.decisions_excluded);
        self.control_candidates += more.control_candidates;
        self.controls_not_sampled += more.controls_not_sampled;
        self.further_treatment_events += more.further_treatment_events;
        self.late_changed_rows += more.late_changed_rows;
    }
}

fn add_all(into: &mut BTreeMap<String, u64>, more: &BTreeMap<String, u64>) {
    for (reason, count) in more {
        *into.entry(reason.clone()).or_default() += count;
    }
}

/// What became of the lake's events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Rows of the dataset.
    pub rows: u64,
    /// Rows by arm id; those without any treatment under `none`. A row with arms of two treatments counts twice.
    pub rows_by_arm: BTreeMap<String, u64>,
    /// What was counted on the way.
    pub counts: Counts,
    /// Those of them from decisions of ours.
    pub logged_rows: u64,
    /// `late_changed_rows` by observed rows; 0 without any. Logged rows hold the features that were served.
    pub late_changed_share: f64,
    /// Days with candidate controls but no treated row: no control of theirs is drawn.
    pub days_without_treated: u64,
    /// Days with treated rows but no candidate control.
    pub days_without_controls: u64,
    /// How alike the arms of the observed rows are before any adjustment.
    pub balance: Balance,
}
