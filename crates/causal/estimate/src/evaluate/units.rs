//! How far unit effects are from the true ones, and how often their intervals hold them.

use ceteris_effect::Effect;
use ceteris_stats::normal_quantile;
use serde::{Deserialize, Serialize};

/// Errors of unit effects against the truth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitErrors {
    /// Number of units compared.
    pub n: usize,
    /// Share of intervals that hold the truth. Units of one model share coefficients, so in one sample this varies
    /// far more than a binomial share would.
    pub coverage: f64,
    /// Root mean squared error of tau, the PEHE of the literature.
    pub rmse: f64,
    /// Mean standard error.
    pub mean_std_error: f64,
}

/// Compares unit effects with the truth, one value a unit, at interval `level`; absent for no units or lengths that
/// disagree.
pub fn unit_errors(effects: &[Effect], truth: &[f64], level: f64) -> Option<UnitErrors> {
    let n = effects.len();
    if n == 0 || truth.len() != n {
        return None;
    }
    let z = normal_quantile(0.5 + 0.5 * level);
    let (mut held, mut squares, mut errors) = (0usize, 0.0, 0.0);
    for (e, t) in effects.iter().zip(truth) {
        let gap = e.tau - t;
        held += usize::from(gap.abs() <= z * e.std_error);
        squares += gap * gap;
        errors += e.std_error;
    }
    let size = n as f64;
    Some(UnitErrors {
        n,
        coverage: held as f64 / size,
        rmse: (squares / size).sqrt(),
        mean_std_error: errors / size,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let e = |tau| Effect { tau, std_error: 1.0 };
        let r = unit_errors(&[e(0.0), e(3.0)], &[1.0, 0.0], 0.95).unwrap();
        assert_eq!((r.coverage, r.rmse, r.mean_std_error), (0.5, 5.0f64.sqrt(), 1.0));
        assert!(unit_errors(&[e(0.0)], &[], 0.95).is_none());
    }
}
