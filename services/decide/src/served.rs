//! A problem as it is served: the problem, its policy in force, and the model, one immutable whole that is swapped.

use std::sync::Arc;

use ceteris_contract::problem::{Problem, Source};
use ceteris_contract::record::{Feature, Origin, OutcomeWeight};

use ceteris_features::{CompileError, ViewSet};
use ceteris_model::served::Model;

/// One problem with its model, or without one.
#[derive(Clone, Debug)]
pub struct Served {
    problem: Arc<Problem>,
    model_digest: Arc<str>,
    policy_digest: Arc<str>,
    outcomes: Arc<[OutcomeWeight]>,
    /// By decision view: whether a decision may do without its stored value.
    optional: Arc<[bool]>,
    /// The engine of the stored features; none where the problem's rows are a table's.
    views: Option<Arc<ViewSet>>,
    model: Option<Arc<Model>>,
}

impl Served {
    /// A problem without a model: its fallback rules decide.
    ///
    /// # Errors
    /// Views that the feature engine cannot run.
    pub fn new(problem: Problem) -> Result<Self, CompileError> {
        let views = match problem.source {
            Source::Events { .. } => Some(Arc::new(ViewSet::compile(&problem)?)),
            Source::Table { .. } => None,
        };
        let outcomes = problem.outcomes.iter().map(|outcome| OutcomeWeight {
            name: outcome.name.clone(),
            weight: outcome.weight,
            direction: outcome.direction,
            primary: outcome.name == problem.primary_outcome().name,
        });
        Ok(Served {
            model_digest: problem.model_digest().into(),
            policy_digest: problem.policy_digest().into(),
            outcomes: outcomes.collect(),
            optional: problem.decision_views().map(|view| view.optional).collect(),
            problem: Arc::new(problem),
            views,
            model: None,
        })
    }

    /// The same problem with this model, compiled for it.
    pub fn with_model(&self, model: Option<Arc<Model>>) -> Self {
        Served {
            model,
            ..self.clone()
        }
    }

    /// The problem.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// True where both are of one reading of one problem file.
    pub fn same_problem(&self, other: &Served) -> bool {
        Arc::ptr_eq(&self.problem, &other.problem)
    }

    /// The model, if one is served.
    pub fn model(&self) -> Option<&Model> {
        self.model.as_deref()
    }

    /// The model to share.
    pub fn shared_model(&self) -> Option<Arc<Model>> {
        self.model.clone()
    }

    /// The engine of the stored features, where the problem has any.
    pub fn views(&self) -> Option<&ViewSet> {
        self.views.as_deref()
    }

    /// Digest of the problem's model part.
    pub fn model_digest(&self) -> &str {
        &self.model_digest
    }

    /// Digest of the policy part in force.
    pub fn policy_digest(&self) -> &str {
        &self.policy_digest
    }

    /// The outcomes' part in the objective.
    pub fn outcomes(&self) -> &[OutcomeWeight] {
        &self.outcomes
    }

    /// True where a view that the model reads and that is not optional could not be had.
    pub fn required_unknown(&self, model: &Model, features: &[Feature]) -> bool {
        model.reads().any(|place| {
            let unknown = features.get(place).is_none_or(|f| f.origin == Origin::Unknown);
            unknown && !self.optional.get(place).copied().unwrap_or(false)
        })
    }
}
