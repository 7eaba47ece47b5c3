//! Effects judged: against the truth where a simulator knows it, else against doubly robust scores of held-out rows
//! (rank-weighted effects, calibration, R- and DR-scores, the value of a rule).

mod calibration;
mod error;
mod fit_score;
mod rate;
mod units;
mod value;

pub use calibration::{Calibration, Coefficient, calibration};
pub use error::EvaluateError;
pub use fit_score::{dr_score, r_score};
pub use rate::{Rate, RateWeight, rate};
pub use units::{UnitErrors, unit_errors};
pub use value::policy_value;

use ceteris_stats::Clusters;

/// Checks scores, what stands beside them, and weights.
fn check(
    scores: &[f64],
    beside: &[(&'static str, &[f64])],
    w: &[f64],
    clusters: &Clusters,
) -> Result<(), EvaluateError> {
    let rows = scores.len();
    for (what, values) in [("scores", scores), ("weights", w)].iter().chain(beside) {
        if values.len() != rows {
            return Err(EvaluateError::Length {
                what,
                found: values.len(),
                rows,
            });
        }
        let usable = |v: &f64| v.is_finite() && (*what != "weights" || *v >= 0.0);
        if let Some(row) = values.iter().position(|v| !usable(v)) {
            return Err(EvaluateError::Value { what, row });
        }
    }
    if clusters.n() != rows {
        return Err(EvaluateError::Length {
            what: "clusters",
            found: clusters.n(),
            rows,
        });
    }
    if w.iter().sum::<f64>() <= 0.0 {
        return Err(EvaluateError::TooFew {
            what: "rows of positive weight",
            found: 0,
            needed: 1,
        });
    }
    Ok(())
}
