//! Wald tests of several coefficients at once.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::chi_square_cdf;
use crate::linalg::Cholesky;

/// A quadratic form in a covariance's inverse and its chi-square probability.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wald {
    /// `(beta - beta_0)' V^-1 (beta - beta_0)`.
    pub statistic: f64,
    /// Rank of V: the degrees of freedom.
    pub df: usize,
    /// Upper tail probability.
    pub p_value: f64,
}

/// Tests `beta = null` under covariance `cov` (q × q). Coefficients without variance (aliased ones) are left out.
pub fn wald(beta: &[f64], null: &[f64], cov: ArrayView2<f64>) -> Wald {
    let q = beta.len();
    // Scaling to unit diagonal keeps the pivots comparable across units of measurement.
    let scale: Vec<f64> = (0..q)
        .map(|i| {
            if cov[[i, i]] > 0.0 {
                cov[[i, i]].sqrt()
            } else {
                f64::INFINITY
            }
        })
        .collect();
    let scaled = ndarray::Array2::from_shape_fn((q, q), |(i, j)| cov[[i, j]] / (scale[i] * scale[j]));
    let gap: Vec<f64> = (0..q).map(|i| (beta[i] - null[i]) / scale[i]).collect();
    let chol = Cholesky::new(&scaled, 1e-12);
    let statistic: f64 = chol.solve(&gap).iter().zip(&gap).map(|(a, b)| a * b).sum();
    let df = chol.rank();
    let p_value = if df == 0 {
        1.0
    } else {
        1.0 - chi_square_cdf(statistic, df as f64)
    };
    Wald {
        statistic,
        df,
        p_value,
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn by_hand() {
        let w = wald(&[3.0, 1.0], &[1.0, 1.0], array![[2.0, 1.0], [1.0, 1.0]].view());
        // V^-1 = [[1, -1], [-1, 2]], gap (2, 0): 4.
        assert!((w.statistic - 4.0).abs() < 1e-12);
        assert_eq!(w.df, 2);
        assert!((w.p_value - (-2.0f64).exp()).abs() < 1e-12);
    }
}
