//! Effects learned from a table, and the model that is kept of them.

use std::path::Path;

use ceteris_contract::arrays::Lists;
use ceteris_contract::manifest::{EffectManifest, EffectWhat};
use ceteris_effect::{EffectLearner, EffectModel};
use ceteris_estimate::Watch;
use ceteris_estimate::effect::learners::{Compared, compare, fit_effects as fit};
use ceteris_model::effect::{columns_of, to_lists};
use ceteris_table::Table;
use serde::Serialize;
use serde_json::json;

use super::question::FitQuestion;
use super::rows::{EffectRows, Nuisances};
use crate::error::{self, StudyError};
use crate::treatment::Treatment;

/// Trees of the forests that learners are compared by: more would change no choice, and all are grown once a fold.
const COMPARED_TREES: usize = 200;

/// A model of effects, as it answers and as it is kept.
#[derive(Clone, Debug)]
pub struct FittedEffects {
    /// The model.
    pub model: EffectModel,
    /// Its manifest.
    pub manifest: EffectManifest,
    /// Its arrays.
    pub lists: Lists,
    /// How the learners compared, best first, where the learner was chosen among several.
    pub compared: Vec<Compared>,
}

/// What is told of a fit whose model was written to a folder.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FitReport<'a> {
    /// The folder.
    pub out: &'a Path,
    /// The learner.
    pub learner: EffectLearner,
    /// The model's digest.
    pub digest: &'a str,
    /// Rows of the fit.
    pub rows: u64,
    /// The arms beside control; none for a dose.
    pub arms: &'a [String],
    /// The control's value; none for a dose.
    pub control: Option<&'a str>,
    /// How the learners compared, best first.
    pub compared: &'a [Compared],
    /// Whether theory gives the learner an interval.
    pub interval: bool,
    /// `assumed`.
    pub identification: &'static str,
}

impl std::fmt::Display for FitReport<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for one in self.compared {
            let (learner, score) = (one.learner.name(), one.r_score);
            writeln!(f, "learner {learner}: R-score {score:.5} on held-out rows")?;
        }
        let interval = match self.interval {
            true => "",
            false => "; theory gives this learner no interval",
        };
        write!(
            f,
            "learner {} on {} rows in {}{interval}",
            self.learner.name(),
            self.rows,
            self.out.display()
        )
    }
}

/// Learns effects, by the learner that explains held-out rows best where the question names none.
///
/// # Errors
/// Questions and rows that no learner answers from; a fit that was stopped.
pub fn fit_effects(
    question: &FitQuestion,
    table: &Table,
    watch: Watch<'_>,
) -> Result<FittedEffects, StudyError> {
    question.check()?;
    let rows = EffectRows::read(&question.rows, table)?;
    let compared = rows.compared(question, watch)?;
    rows.fitted(question, compared, watch)
}

impl EffectRows {
    /// The learners from best to worst by their R-score on held-out rows, where the question names none.
    ///
    /// # Errors
    /// Whatever a fit answers.
    pub fn compared(&self, question: &FitQuestion, watch: Watch<'_>) -> Result<Vec<Compared>, StudyError> {
        if question.learner.is_some() {
            return Ok(Vec::new());
        }
        let nuisances = Nuisances::for_columns(question.rows.covariates.len());
        let trees = (question.trees as usize).min(COMPARED_TREES);
        let params = nuisances.params(&question.rows, trees);
        Ok(compare(
            &EffectLearner::ALL,
            &params,
            &self.sample(),
            params.folds,
            watch,
        )?)
    }

    /// The model by the question's learner, or by the first of those compared.
    ///
    /// # Errors
    /// Whatever the fit answers.
    pub fn fitted(
        &self,
        question: &FitQuestion,
        compared: Vec<Compared>,
        watch: Watch<'_>,
    ) -> Result<FittedEffects, StudyError> {
        let best = question.learner.or(compared.first().map(|one| one.learner));
        let learner = best.ok_or_else(|| error::question("no learner takes this treatment"))?;
        let nuisances = Nuisances::for_columns(question.rows.covariates.len());
        let params = nuisances.params(&question.rows, question.trees as usize);
        let model = fit(learner, &params, &self.sample(), watch)?;
        let (lists, basis) = to_lists(&model)?;
        let (control, arms) = match &self.treatment {
            Treatment::Arms(arms) => (arms.control.clone(), arms.names.clone()),
            Treatment::Dose(_) => (String::new(), Vec::new()),
        };
        let what = EffectWhat {
            learner: learner.name().to_owned(),
            outcome: question.rows.outcome.clone(),
            treatment: question.rows.treatment.clone(),
            control,
            arms,
            columns: columns_of(model.columns()),
            rows: self.y.len() as u64,
            seed: question.rows.seed,
            folds: question.rows.folds,
            identification: json!("assumed"),
            compared: compared.iter().map(|one| json!(one)).collect(),
            basis,
        };
        let manifest = EffectManifest::name(what, env!("CARGO_PKG_VERSION").to_owned(), &lists);
        Ok(FittedEffects {
            model,
            manifest,
            lists,
            compared,
        })
    }
}

impl FittedEffects {
    /// What is told once the model lies in a folder.
    pub fn report<'a>(&'a self, out: &'a Path) -> FitReport<'a> {
        let what = &self.manifest.what;
        let learner = self.model.learner();
        FitReport {
            out,
            learner,
            digest: &self.manifest.digest,
            rows: what.rows,
            arms: &what.arms,
            control: (!what.arms.is_empty()).then_some(what.control.as_str()),
            compared: &self.compared,
            interval: learner.has_interval(),
            identification: "assumed",
        }
    }
}
