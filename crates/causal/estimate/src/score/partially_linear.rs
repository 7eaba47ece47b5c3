//! The partially linear model's scores: partialling out, and the instrument type.

use super::Scores;

/// `psi(theta) = (y - l(x) - theta (d - m(x))) (d - m(x))`.
///
/// `y`, `d`, and the cross-fitted `l_hat = E[y|x]` and `m_hat = E[d|x]` have one value a row. The coefficient weights
/// units by the variance of their treatment (overlap); it is the average effect only where effects do not vary.
///
/// Source: Chernozhukov et al. (2018), *Double/debiased machine learning*, equation 4.4 (Robinson 1988).
///
/// ```
/// use ceteris_estimate::score::partially_linear;
/// let s = partially_linear(&[3.0, 1.0], &[1.0, 0.0], &[1.0, 1.0], &[0.5, 0.5]);
/// assert_eq!(s.psi_a, [0.25, 0.25]);
/// assert_eq!(s.psi_b, [1.0, 0.0]);
/// ```
pub fn partially_linear(y: &[f64], d: &[f64], l_hat: &[f64], m_hat: &[f64]) -> Scores {
    let v: Vec<f64> = d.iter().zip(m_hat).map(|(d, m)| d - m).collect();
    let psi_b = y
        .iter()
        .zip(l_hat)
        .zip(&v)
        .map(|((y, l), v)| (y - l) * v)
        .collect();
    Scores {
        psi_a: v.iter().map(|v| v * v).collect(),
        psi_b,
    }
}

/// `psi(theta) = (y - g(x) - theta d)(d - m(x))`, the treatment's residual serving as instrument for the treatment.
///
/// `g_hat = E[y - theta d | x]` is cross-fitted from a first estimate of theta. Less moved by a poor `l` than
/// partialling out, more by a poor first estimate.
///
/// Source: Chernozhukov et al. (2018), equation 4.3.
///
/// ```
/// use ceteris_estimate::score::partially_linear_iv_type;
/// let s = partially_linear_iv_type(&[3.0, 1.0], &[1.0, 0.0], &[1.0, 1.0], &[0.5, 0.5]);
/// assert_eq!((s.psi_a, s.psi_b), (vec![0.5, 0.0], vec![1.0, 0.0]));
/// ```
pub fn partially_linear_iv_type(y: &[f64], d: &[f64], g_hat: &[f64], m_hat: &[f64]) -> Scores {
    let each = |f: &dyn Fn(usize) -> f64| (0..y.len()).map(f).collect();
    Scores {
        psi_a: each(&|i| d[i] * (d[i] - m_hat[i])),
        psi_b: each(&|i| (y[i] - g_hat[i]) * (d[i] - m_hat[i])),
    }
}
