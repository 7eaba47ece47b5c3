//! The partially linear model's scores: partialling out, and the instrument type.

use super::{Observed, Scores};

/// Cross-fitted nuisances of the partially linear model, one value a row.
#[derive(Clone, Debug, PartialEq)]
pub struct PartiallyLinearNuisances {
    /// E[y | x].
    pub l_hat: Vec<f64>,
    /// E[d | x].
    pub m_hat: Vec<f64>,
}

/// Nuisances of the instrument type, one value a row.
#[derive(Clone, Debug, PartialEq)]
pub struct IvTypeNuisances {
    /// E[y | x].
    pub l_hat: Vec<f64>,
    /// E[d | x].
    pub m_hat: Vec<f64>,
    /// E[y - theta d | x] at the first estimate of theta.
    pub g_hat: Vec<f64>,
    /// The first estimate, by partialling out.
    pub first: f64,
}

/// `psi(theta) = (y - l(x) - theta (d - m(x))) (d - m(x))`.
///
/// The coefficient weights
/// units by the variance of their treatment (overlap); it is the average effect only where effects do not vary.
///
/// Source: Chernozhukov et al. (2018), *Double/debiased machine learning*, equation 4.4 (Robinson 1988).
///
/// ```
/// use ceteris_estimate::score::{Observed, PartiallyLinearNuisances, partially_linear};
/// let observed = Observed { y: &[3.0, 1.0], d: &[1.0, 0.0] };
/// let nuisances = PartiallyLinearNuisances { l_hat: vec![1.0, 1.0], m_hat: vec![0.5, 0.5] };
/// let s = partially_linear(observed, &nuisances);
/// assert_eq!(s.psi_a, [0.25, 0.25]);
/// assert_eq!(s.psi_b, [1.0, 0.0]);
/// ```
pub fn partially_linear(observed: Observed<'_>, nuisances: &PartiallyLinearNuisances) -> Scores {
    let Observed { y, d } = observed;
    let PartiallyLinearNuisances { l_hat, m_hat } = nuisances;
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
/// use ceteris_estimate::score::{IvTypeNuisances, Observed, partially_linear_iv_type};
/// let observed = Observed { y: &[3.0, 1.0], d: &[1.0, 0.0] };
/// let (l_hat, m_hat, g_hat) = (vec![2.0, 1.0], vec![0.5, 0.5], vec![1.0, 1.0]);
/// let s = partially_linear_iv_type(observed, &IvTypeNuisances { l_hat, m_hat, g_hat, first: 2.0 });
/// assert_eq!((s.psi_a, s.psi_b), (vec![0.5, 0.0], vec![1.0, 0.0]));
/// ```
pub fn partially_linear_iv_type(observed: Observed<'_>, nuisances: &IvTypeNuisances) -> Scores {
    let Observed { y, d } = observed;
    let IvTypeNuisances { g_hat, m_hat, .. } = nuisances;
    let each = |f: &dyn Fn(usize) -> f64| (0..y.len()).map(f).collect();
    Scores {
        psi_a: each(&|i| d[i] * (d[i] - m_hat[i])),
        psi_b: each(&|i| (y[i] - g_hat[i]) * (d[i] - m_hat[i])),
    }
}
