//! Scores that read the effect off an instrument: partially linear, and the local average effect.

use super::Scores;
use super::interactive::interactive_ate;

/// Partially linear with an instrument: `psi(theta) = (y - l(x) - theta (d - r(x)))(z - m(x))`.
///
/// `l_hat = E[y|x]`, `r_hat = E[d|x]`, `m_hat = E[z|x]` are cross-fitted, one value a row.
///
/// Source: Chernozhukov et al. (2018), equation 4.8.
///
/// ```
/// use ceteris_estimate::score::partially_linear_instrument;
/// let s = partially_linear_instrument(&[3.0], &[2.0], &[1.0], &[1.0], &[0.5], &[0.5]);
/// assert_eq!((s.psi_a, s.psi_b), (vec![0.75], vec![1.0]));
/// ```
pub fn partially_linear_instrument(
    y: &[f64],
    d: &[f64],
    z: &[f64],
    l_hat: &[f64],
    r_hat: &[f64],
    m_hat: &[f64],
) -> Scores {
    let each = |f: &dyn Fn(usize) -> f64| (0..y.len()).map(f).collect();
    Scores {
        psi_a: each(&|i| (d[i] - r_hat[i]) * (z[i] - m_hat[i])),
        psi_b: each(&|i| (y[i] - l_hat[i]) * (z[i] - m_hat[i])),
    }
}

/// The local average effect, on those whom a binary instrument moves: the doubly robust effect of `z` on `y` over the
/// doubly robust effect of `z` on `d`.
///
/// `g0, g1 = E[y | z, x]`, `r0, r1 = P(d = 1 | z, x)` and `m = P(z = 1 | x)`, `0 < m < 1`, are cross-fitted, one value a
/// row.
///
/// Source: Tan (2006); Chernozhukov et al. (2018), equation 5.10.
///
/// ```
/// use ceteris_estimate::score::local_average;
/// let s = local_average(&[5.0], &[1.0], &[1.0], [&[1.0], &[2.0]], [&[0.0], &[0.5]], &[0.5]);
/// assert_eq!(s.psi_b, [2.0 - 1.0 + (5.0 - 2.0) / 0.5]);
/// assert_eq!(s.psi_a, [0.5 - 0.0 + (1.0 - 0.5) / 0.5]);
/// ```
pub fn local_average(y: &[f64], d: &[f64], z: &[f64], g: [&[f64]; 2], r: [&[f64]; 2], m: &[f64]) -> Scores {
    Scores {
        psi_a: interactive_ate(d, z, r[0], r[1], m).psi_b,
        psi_b: interactive_ate(y, z, g[0], g[1], m).psi_b,
    }
}
