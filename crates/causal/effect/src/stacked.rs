//! Effects of several scores (arm × outcome) on one basis, with the covariances between them.

use serde::{Deserialize, Serialize};

use crate::{EffectBasis, LinearEffect};

/// Projections of m scores (arm × outcome) on one basis, with their joint covariance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StackedEffect {
    /// The basis.
    pub basis: EffectBasis,
    /// Number of scores, m.
    pub m: usize,
    /// m × q coefficients, score by score.
    pub beta: Vec<f64>,
    /// (m q) × (m q) covariance, row by row.
    pub cov: Vec<f64>,
    /// Names of terms without a coefficient, being combinations of others.
    pub aliased: Vec<String>,
    /// Independent units behind the covariance.
    pub clusters: usize,
}

impl StackedEffect {
    /// Number of terms, q.
    pub fn q(&self) -> usize {
        self.basis.q()
    }

    /// The effect of score `j` alone. `j < m`.
    pub fn one(&self, j: usize) -> LinearEffect {
        let weights: Vec<f64> = (0..self.m).map(|k| if k == j { 1.0 } else { 0.0 }).collect();
        self.combine(&weights)
    }

    /// The effect of a linear combination of scores, with its exact covariance: `[1, -1]` is the difference of two
    /// arms, objective weights add up outcomes. Weights beyond m are ignored, missing ones are zero.
    pub fn combine(&self, weights: &[f64]) -> LinearEffect {
        let q = self.q();
        let used: Vec<(usize, f64)> = weights
            .iter()
            .copied()
            .take(self.m)
            .enumerate()
            .filter(|(_, c)| *c != 0.0)
            .collect();
        let mut beta = vec![0.0; q];
        let mut cov = vec![0.0; q * q];
        for &(a, ca) in &used {
            for i in 0..q {
                beta[i] += ca * self.beta[a * q + i];
            }
            for &(b, cb) in &used {
                for i in 0..q {
                    let row = (a * q + i) * self.m * q + b * q;
                    for j in 0..q {
                        cov[i * q + j] += ca * cb * self.cov[row + j];
                    }
                }
            }
        }
        LinearEffect {
            basis: self.basis.clone(),
            beta,
            cov,
        }
    }
}
