//! Calibration of effects: the best linear predictor of the true effect from the estimated one.

use ceteris_stats::linalg::Cholesky;
use ceteris_stats::{Clusters, normal_cdf};
use serde::{Deserialize, Serialize};

use super::EvaluateError;

/// One coefficient of the calibration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coefficient {
    /// The coefficient.
    pub estimate: f64,
    /// Its cluster-robust standard error.
    pub std_error: f64,
    /// One-sided p-value of a coefficient that is not above zero.
    pub p_value: f64,
}

/// `E[tau(x) | tau_hat] = mean · tau_bar + differential · (tau_hat − tau_bar)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// 1 where the average is right; absent where the mean estimated effect is zero.
    pub mean: Option<Coefficient>,
    /// 1 where differences between units are right, 0 where they say nothing; absent where all are estimated alike.
    pub differential: Option<Coefficient>,
}

/// Regresses doubly robust scores `gamma` on the mean estimated effect and on the deviations from it.
///
/// The effects must have been learned on other units than those of the scores, or out of bag. Errors are clustered by
/// unit, with the G/(G − q) factor of projections.
///
/// Source: Chernozhukov, Demirer, Duflo and Fernández-Val (2018), *Generic machine learning inference on heterogeneous
/// treatment effects*, theorem 3.1 in its doubly robust form.
///
/// # Errors
/// Lengths, values that are not finite, fewer than three units.
pub fn calibration(
    gamma: &[f64],
    effect: &[f64],
    w: &[f64],
    clusters: &Clusters,
) -> Result<Calibration, EvaluateError> {
    super::check(gamma, &[("effects", effect)], w, clusters)?;
    let units = clusters.weighted_count(w);
    if units < 3 {
        return Err(EvaluateError::TooFew {
            what: "units",
            found: units,
            needed: 3,
        });
    }
    let total: f64 = w.iter().sum();
    let average = w.iter().zip(effect).map(|(w, e)| w * e).sum::<f64>() / total;
    let z = ndarray::Array2::from_shape_fn((gamma.len(), 2), |(i, j)| {
        if j == 0 { average } else { effect[i] - average }
    });
    let chol = Cholesky::new(&ceteris_stats::linalg::weighted_gram(z.view(), w), 1e-12);
    let cross: Vec<f64> = (0..2)
        .map(|j| (0..gamma.len()).map(|i| w[i] * z[[i, j]] * gamma[i]).sum())
        .collect();
    let beta = chol.solve(&cross);
    let scores = ndarray::Array2::from_shape_fn((gamma.len(), 2), |(i, j)| {
        w[i] * z[[i, j]] * (gamma[i] - z[[i, 0]] * beta[0] - z[[i, 1]] * beta[1])
    });
    let bread = chol.inverse();
    let influence = clusters.sums(scores.view()).dot(&bread);
    let factor = units as f64 / (units as f64 - chol.rank() as f64);
    let coefficient = |j: usize| {
        chol.kept()[j].then(|| {
            let std_error = (factor * influence.column(j).mapv(|v| v * v).sum()).sqrt();
            Coefficient {
                estimate: beta[j],
                std_error,
                p_value: normal_cdf(-beta[j] / std_error),
            }
        })
    };
    Ok(Calibration {
        mean: coefficient(0),
        differential: coefficient(1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // tau_bar = 2, deviations −1 and 1; scores 3 on average, 1 and 5: mean 1.5, differential 2.
        let gamma = [0.0, 2.0, 4.0, 6.0];
        let c = calibration(&gamma, &[1.0, 1.0, 3.0, 3.0], &[1.0; 4], &Clusters::rows(4)).unwrap();
        let (mean, differential) = (c.mean.unwrap(), c.differential.unwrap());
        assert!((mean.estimate - 1.5).abs() < 1e-12 && (differential.estimate - 2.0).abs() < 1e-12);
        // Residuals ±1: sum of squares of w z residual is 4, bread 1/4, factor 4/2: sqrt(2 · 4/16).
        assert!((differential.std_error - 0.5f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn effects_all_alike_have_no_differential() {
        let c = calibration(&[1.0, 2.0, 3.0], &[2.0; 3], &[1.0; 3], &Clusters::rows(3)).unwrap();
        assert!(c.differential.is_none() && (c.mean.unwrap().estimate - 1.0).abs() < 1e-12);
    }
}
