//! The multi-arm doubly robust score: one pseudo-outcome for each arm, from generalised propensities.

use ndarray::{Array2, ArrayView2};

/// What the scores of several arms read, n × K each.
#[derive(Clone, Copy, Debug)]
pub struct ArmHats<'a> {
    /// Regressions by arm.
    pub g: ArrayView2<'a, f64>,
    /// Generalised propensities, positive where used.
    pub m: ArrayView2<'a, f64>,
}

/// Doubly robust scores of the potential means, n × K:
/// `Y_a = g_a(x) + 1{A = a} (y - g_a(x)) / m_a(x)`, whose mean is `E[Y(a)]`.
///
/// `arms[i]` is the arm that row i had.
///
/// Source: Robins, Rotnitzky and Zhao (1994); Cattaneo (2010), *Efficient semiparametric estimation of multi-valued
/// treatment effects*, equation 3.
pub fn potential_means(y: &[f64], arms: &[usize], hats: ArmHats<'_>) -> Array2<f64> {
    let ArmHats { g, m } = hats;
    let mut out = g.to_owned();
    for (i, &a) in arms.iter().enumerate() {
        out[[i, a]] += (y[i] - g[[i, a]]) / m[[i, a]];
    }
    out
}

/// `Gamma = Y_a - Y_b`, one value a row: the doubly robust score of arm `a` against arm `b`.
///
/// With `b` the control, `Gamma_a = g_a - g_0 + 1{A=a}(y - g_a)/m_a - 1{A=0}(y - g_0)/m_0`.
pub fn contrast(potential: ArrayView2<f64>, a: usize, b: usize) -> Vec<f64> {
    potential.outer_iter().map(|row| row[a] - row[b]).collect()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::score::{Estimand, InteractiveNuisances, Observed, interactive};

    #[test]
    fn by_hand_and_equal_to_the_binary_score() {
        let (y, arms) = ([5.0, 1.0], [1, 0]);
        let (g, m) = (array![[1.0, 2.0], [0.0, 3.0]], array![[0.25, 0.75], [0.5, 0.5]]);
        let hats = ArmHats {
            g: g.view(),
            m: m.view(),
        };
        let potential = potential_means(&y, &arms, hats);
        assert_eq!(potential, array![[1.0, 6.0], [2.0, 3.0]]);
        let nuisances = InteractiveNuisances {
            g0: vec![1.0, 0.0],
            g1: vec![2.0, 3.0],
            m: vec![0.75, 0.5],
            clip: None,
        };
        let observed = Observed {
            y: &y,
            d: &[1.0, 0.0],
        };
        let binary = interactive(observed, &nuisances, Estimand::Ate, &[1.0; 2]);
        assert_eq!(contrast(potential.view(), 1, 0), binary.psi_b);
    }
}
