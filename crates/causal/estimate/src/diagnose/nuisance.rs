//! How well cross-fitted nuisances predict the rows they have not seen.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

/// Held-out fit of the outcome regression of one arm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutcomeFit {
    /// Rows of the arm.
    pub rows: usize,
    /// Weighted root mean squared error.
    pub rmse: f64,
    /// One minus the error over that of the arm's mean; negative where the mean does better, zero where the outcome
    /// does not vary.
    pub r2: f64,
}

/// Held-out fit of the propensities.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PropensityFit {
    /// Weighted mean of `-log m_A(x)`.
    pub log_loss: f64,
    /// The same for constant propensities equal to the arms' weighted shares: what no covariate would give. Where
    /// `log_loss` is no smaller, arms do not depend on the covariates, or the learner does not see how.
    pub log_loss_of_shares: f64,
}

/// Fit of each arm's regression `g` (n × K) to `y` on the arm's own rows.
pub fn outcome_fit(y: &[f64], arms: &[usize], g: ArrayView2<f64>, w: &[f64]) -> Vec<OutcomeFit> {
    (0..g.ncols()).map(|arm| of_arm(y, arms, g, w, arm)).collect()
}

/// Fit of one regression to its target over all rows, held out: l to y, m to d.
pub fn mean_fit(y: &[f64], fitted: &[f64], w: &[f64]) -> OutcomeFit {
    let one = ArrayView2::from_shape((fitted.len(), 1), fitted);
    one.map_or(
        OutcomeFit {
            rows: 0,
            rmse: f64::NAN,
            r2: f64::NAN,
        },
        |g| of_arm(y, &vec![0; y.len()], g, w, 0),
    )
}

fn of_arm(y: &[f64], arms: &[usize], g: ArrayView2<f64>, w: &[f64], arm: usize) -> OutcomeFit {
    let members: Vec<usize> = (0..y.len()).filter(|&i| arms[i] == arm).collect();
    let total: f64 = members.iter().map(|&i| w[i]).sum();
    if total <= 0.0 {
        return OutcomeFit {
            rows: members.len(),
            rmse: 0.0,
            r2: 0.0,
        };
    }
    let mean = members.iter().map(|&i| w[i] * y[i]).sum::<f64>() / total;
    let error = members
        .iter()
        .map(|&i| w[i] * (y[i] - g[[i, arm]]).powi(2))
        .sum::<f64>()
        / total;
    let spread = members.iter().map(|&i| w[i] * (y[i] - mean).powi(2)).sum::<f64>() / total;
    let r2 = if spread > 0.0 { 1.0 - error / spread } else { 0.0 };
    OutcomeFit {
        rows: members.len(),
        rmse: error.sqrt(),
        r2,
    }
}

/// Fit of propensities `m` (n × K) to the arms had.
pub fn propensity_fit(arms: &[usize], m: ArrayView2<f64>, w: &[f64]) -> PropensityFit {
    let total: f64 = w.iter().sum();
    let mut shares = vec![0.0; m.ncols()];
    let mut loss = 0.0;
    for (i, &a) in arms.iter().enumerate() {
        shares[a] += w[i] / total;
        loss -= w[i] / total * m[[i, a]].ln();
    }
    let of_shares = shares.iter().filter(|s| **s > 0.0).map(|s| -s * s.ln()).sum();
    PropensityFit {
        log_loss: loss,
        log_loss_of_shares: of_shares,
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn by_hand() {
        let g = array![[0.0, 1.0], [0.0, 3.0], [5.0, 0.0]];
        let fit = outcome_fit(&[1.0, 5.0, 5.0], &[1, 1, 0], g.view(), &[1.0; 3]);
        // Arm 1: errors 0 and 2 against 2 and 2 of the mean.
        assert_eq!((fit[1].rows, fit[1].rmse, fit[1].r2), (2, 2.0f64.sqrt(), 0.5));
        assert_eq!((fit[0].rmse, fit[0].r2), (0.0, 0.0));
        let m = array![[0.5, 0.5], [0.5, 0.5]];
        let p = propensity_fit(&[0, 1], m.view(), &[1.0, 3.0]);
        assert!((p.log_loss - 2.0f64.ln()).abs() < 1e-15);
        assert!((p.log_loss_of_shares + 0.25 * 0.25f64.ln() + 0.75 * 0.75f64.ln()).abs() < 1e-15);
    }
}
