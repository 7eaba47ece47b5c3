//! Which arm of the problem a candidate is.

use ceteris_contract::decide::Candidate;
use ceteris_contract::problem::{Arm, Problem, Treatment, TreatmentSource};
use ceteris_contract::value::Value;

/// The problem has no arm of this id.
pub const UNKNOWN_TREATMENT: &str = "unknown_treatment";
/// The candidate's type or parameters are not those of the arm it names.
pub const PARAMETERS_MISMATCH: &str = "parameters_mismatch";

/// The arm a candidate names, or the code of why it is none of ours.
///
/// The id decides; `type` must be the treatment's name and the dose parameter, where it is given, the arm's dose. The
/// dose parameter is the last segment of the treatment's dose property, or the table's column. Other parameters are
/// the product's own affair.
pub fn match_arm<'a>(
    problem: &'a Problem,
    candidate: &Candidate,
) -> Result<(&'a Treatment, &'a Arm), &'static str> {
    let (treatment, arm) = problem.arm(&candidate.treatment_id).ok_or(UNKNOWN_TREATMENT)?;
    if treatment.name != candidate.kind {
        return Err(PARAMETERS_MISMATCH);
    }
    let given = dose_parameter(treatment).and_then(|name| candidate.parameters.get(name));
    match (given, &arm.dose) {
        (Some(given), Some(dose)) if !given.is_null() && !same(given, dose) => Err(PARAMETERS_MISMATCH),
        _ => Ok((treatment, arm)),
    }
}

fn dose_parameter(treatment: &Treatment) -> Option<&str> {
    match &treatment.from {
        TreatmentSource::Event { dose_property, .. } => dose_property.as_deref()?.rsplit('.').next(),
        TreatmentSource::Column { column, .. } => Some(column),
    }
}

/// Equal as numbers or as categories: `10`, `10.0` and `"10"` are one dose.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b,
        (Value::Text(a), Value::Text(b)) => a == b,
        _ => a.as_category() == b.as_category(),
    }
}
