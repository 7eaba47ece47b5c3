//! Tests of the estimators: against published references, by invariance, by recovery of known truths, by coverage.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod common;
mod coverage;
mod dml_estimands;
mod dml_instrument;
mod dml_invariance;
mod dml_recovery;
mod dml_semi_synthetic;
mod effect_learners;
mod evaluate_scores;
mod forest_coverage;
mod forest_engine;
mod forest_invariance;
mod forest_support;
mod learner_flexible;
mod references;
mod refute_sensitivity;
