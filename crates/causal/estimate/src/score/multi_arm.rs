//! The multi-arm doubly robust score: one pseudo-outcome for each arm, from generalised propensities.

use ndarray::{Array2, ArrayView2};

/// Doubly robust scores of the potential means, n × K:
/// `Y_a = g_a(x) + 1{A = a} (y - g_a(x)) / m_a(x)`, whose mean is `E[Y(a)]`.
///
/// `arms[i]` is the arm that row i had, `g` and `m` (n × K) the cross-fitted regressions by arm and the generalised
/// propensities, positive where used.
///
/// Source: Robins, Rotnitzky and Zhao (1994); Cattaneo (2010), *Efficient semiparametric estimation of multi-valued
/// treatment effects*, equation 3.
pub fn potential_means(y: &[f64], arms: &[usize], g: ArrayView2<f64>, m: ArrayView2<f64>) -> Array2<f64> {
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
    use crate::score::interactive_ate;

    #[test]
    fn by_hand_and_equal_to_the_binary_score() {
        let (y, arms) = ([5.0, 1.0], [1, 0]);
        let (g, m) = (array![[1.0, 2.0], [0.0, 3.0]], array![[0.25, 0.75], [0.5, 0.5]]);
        let potential = potential_means(&y, &arms, g.view(), m.view());
        assert_eq!(potential, array![[1.0, 6.0], [2.0, 3.0]]);
        let binary = interactive_ate(&y, &[1.0, 0.0], &[1.0, 0.0], &[2.0, 3.0], &[0.75, 0.5]);
        assert_eq!(contrast(potential.view(), 1, 0), binary.psi_b);
    }
}
