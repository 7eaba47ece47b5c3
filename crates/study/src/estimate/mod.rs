//! Average effects of a table: double machine learning of arms and doses, instruments, the front door, matching.
//!
//! A question is checked, its claim proved by a graph where there is one, the table's rows are read, and the method's
//! own module fits and reports.

mod check;
mod identification;
mod learners;
mod methods;
mod question;
mod report;
mod requirements;
mod rows;
mod text;

use ceteris_estimate::Watch;
use ceteris_estimate::dml::{DmlError, DmlParams};
use ceteris_graph::Graph;
use ceteris_table::Table;

use self::rows::EstimateRows;
use crate::StudyError;

pub use identification::{AssumedOrProven, FrontDoorProof, InstrumentProof};
pub use question::{
    DOSE_DEGREE_MAX, DOSE_KNOTS_MAX, DoseBasis, DoseQuestion, EstimateQuestion, Method, PlrScore, REPEATS_MAX,
};
pub use report::{
    ArmEffect, DoseContrast, DoseCurve, DosePoint, EstimateReport, InstrumentStrength, NamedOverlap,
    NuisanceFit, OmittedConfounder, Overlap, OverlapWeighted, PotentialMean, Sensitivity, SeveralArms,
};

/// Answers a question from a table, after the graph has proved its claim where there is one.
///
/// # Errors
/// A question that contradicts itself, a claim that the graph does not prove, rows that the method cannot answer from.
pub fn estimate(
    question: &EstimateQuestion,
    table: &Table,
    graph: Option<&Graph>,
    watch: Watch<'_>,
) -> Result<EstimateReport, StudyError> {
    question.check()?;
    estimate_identified(question, table, question.identification(graph)?, watch)
}

/// Answers a question whose identification is known, as [`EstimateQuestion::identification`] answers it.
///
/// # Errors
/// As [`estimate`].
pub fn estimate_identified(
    question: &EstimateQuestion,
    table: &Table,
    identification: AssumedOrProven,
    watch: Watch<'_>,
) -> Result<EstimateReport, StudyError> {
    question.check()?;
    let sample = EstimateRows::read(question, table)?;
    let params = DmlParams {
        folds: sample.folds.clone(),
        repeats: question.repeats as usize,
        seed: question.seed,
        clip: question.clip,
        trim: question.trim,
    };
    let params = params.check().map_err(DmlError::from)?;
    let answer = match question.method {
        Method::Plr => methods::plr::plr(question, &sample, &params, watch)?,
        Method::Irm => match sample.several_arms() {
            Some(several) => methods::arms::irm(question, &sample, several, &params, watch)?,
            None => methods::irm::irm(question, &sample, &params, watch)?,
        },
        Method::Dose => methods::dose::dose(question, &sample, &params, watch)?,
        Method::Pliv => methods::instrument::pliv(question, &sample, &params, watch)?,
        Method::Iivm => methods::instrument::iivm(question, &sample, &params, watch)?,
        Method::Frontdoor => methods::front_door::through_mediators(question, &sample, &params, watch)?,
        Method::Matching => methods::matching::neighbours(question, &sample)?,
    };
    Ok(answer.report(question, &sample, identification))
}
