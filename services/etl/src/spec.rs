//! A problem compiled for the ETL: which events matter, what a row is, when it is known.

use std::collections::BTreeMap;

use ceteris_contract::duration::Span;
use ceteris_contract::problem::{Problem, Source, ViewKind};
use ceteris_features::{AfterSet, ViewSet};

use crate::arms::TreatmentSpec;
use crate::error::EtlError;

/// What the ETL needs of a problem.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) problem: String,
    pub(crate) views: ViewSet,
    pub(crate) after: AfterSet,
    pub(crate) treatments: Vec<TreatmentSpec>,
    pub(crate) attribution: Span,
    pub(crate) controls_per_treated: f64,
    /// From t until everything about a row is known: the longest of the windows after t and the attribution, then the
    /// lateness.
    pub(crate) maturity: Span,
    /// Dataset columns of the decision views.
    pub(crate) view_columns: Vec<(String, ViewKind)>,
    uses: BTreeMap<String, Uses>,
}

/// What events of one type are for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Uses {
    pub(crate) opportunity: bool,
    /// It decides which rows there are, by its time, its dose, and the decision that caused it.
    pub(crate) treatment: bool,
}

impl Spec {
    pub(crate) fn compile(problem: &Problem) -> Result<Self, EtlError> {
        let Source::Events {
            opportunity_events,
            attribution,
            lateness,
            controls_per_treated,
        } = &problem.source
        else {
            return Err(EtlError::NotFromEvents {
                problem: problem.name.clone(),
            });
        };
        let views = ViewSet::compile(problem)?;
        let after = AfterSet::compile(problem)?;
        let treatments: Vec<TreatmentSpec> = problem
            .treatments
            .iter()
            .map(TreatmentSpec::compile)
            .collect::<Result<_, _>>()?;
        let mut uses: BTreeMap<String, Uses> = BTreeMap::new();
        for event in opportunity_events {
            uses.entry(event.clone()).or_default().opportunity = true;
        }
        for treatment in &treatments {
            uses.entry(treatment.event.clone()).or_default().treatment = true;
        }
        for event in views.event_types() {
            uses.entry(event.to_owned()).or_default();
        }
        for event in after.event_types() {
            uses.entry(event.to_owned()).or_default();
        }
        let known = after.window_max().max(*attribution);
        Ok(Spec {
            problem: problem.name.clone(),
            attribution: *attribution,
            controls_per_treated: *controls_per_treated,
            maturity: Span(known.0.saturating_add(lateness.0)),
            view_columns: problem
                .decision_views()
                .map(|view| (view.column(), view.kind))
                .collect(),
            views,
            after,
            treatments,
            uses,
        })
    }

    /// What events of this type are for; `None`: nothing.
    pub(crate) fn uses(&self, event_type: &str) -> Option<Uses> {
        self.uses.get(event_type).copied()
    }
}
