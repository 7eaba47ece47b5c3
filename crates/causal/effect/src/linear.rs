//! An effect linear in its basis: one arm's tau(x) with standard error, in a fraction of a microsecond.

use ceteris_stats::{Wald, wald};
use serde::{Deserialize, Serialize};

use crate::{Effect, EffectBasis};

/// `tau(x) = phi(x)' beta` with covariance `cov` of `beta`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinearEffect {
    /// The basis.
    pub basis: EffectBasis,
    /// q coefficients.
    pub beta: Vec<f64>,
    /// q × q covariance, row by row.
    pub cov: Vec<f64>,
}

impl LinearEffect {
    /// tau and its error at `phi` (q numbers, from [`EffectBasis::expand`]): `phi' beta`, `sqrt(phi' V phi)`.
    /// Arms that share a basis share one expansion. Allocates nothing.
    pub fn at(&self, phi: &[f64]) -> Effect {
        let q = self.beta.len();
        let mut tau = 0.0;
        let mut variance = 0.0;
        for (i, (p, b)) in phi.iter().zip(&self.beta).enumerate() {
            tau += p * b;
            let row: f64 = self.cov[i * q..(i + 1) * q]
                .iter()
                .zip(phi)
                .map(|(v, p)| v * p)
                .sum();
            variance += p * row;
        }
        Effect {
            tau,
            std_error: variance.max(0.0).sqrt(),
        }
    }

    /// tau and its error at one row of modifiers; `phi` is room for q numbers. Allocates nothing.
    pub fn predict(&self, x: &[f64], phi: &mut [f64]) -> Effect {
        self.basis.expand(x, phi);
        self.at(phi)
    }

    /// Tests that the effect equals the given coefficients (all zero: that there is none anywhere).
    pub fn wald(&self, null: &[f64]) -> Wald {
        let q = self.beta.len();
        let cov = ndarray::Array2::from_shape_fn((q, q), |(i, j)| self.cov[i * q + j]);
        wald(&self.beta, null, cov.view())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Modifier, ModifierKind};

    #[test]
    fn value_and_error_by_hand() {
        let basis = EffectBasis::new(vec![Modifier {
            name: "x".into(),
            kind: ModifierKind::Numeric {
                centre: 0.0,
                scale: 1.0,
                min: -1.0,
                max: 1.0,
            },
        }]);
        let effect = LinearEffect {
            basis,
            beta: vec![2.0, 3.0],
            cov: vec![1.0, 0.5, 0.5, 4.0],
        };
        let mut phi = [0.0; 2];
        let at = effect.predict(&[2.0], &mut phi);
        assert_eq!(at.tau, 8.0);
        assert_eq!(at.std_error, (1.0f64 + 2.0 * 2.0 * 0.5 + 4.0 * 4.0).sqrt());
        assert!((at.ci(0.95)[1] - 8.0 - 1.959963984540054 * at.std_error).abs() < 1e-12);
    }
}
