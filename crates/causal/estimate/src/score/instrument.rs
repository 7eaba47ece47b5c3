//! Scores that read the effect off an instrument: partially linear, and the local average effect.

use super::interactive::augmented;
use super::{ClipReport, Scores};

/// What was observed of each row where there is an instrument.
#[derive(Clone, Copy, Debug)]
pub struct Instrumented<'a> {
    /// Outcome.
    pub y: &'a [f64],
    /// Treatment.
    pub d: &'a [f64],
    /// Instrument.
    pub z: &'a [f64],
}

/// Cross-fitted nuisances of the partially linear model with an instrument, one value a row.
#[derive(Clone, Debug, PartialEq)]
pub struct InstrumentNuisances {
    /// E[y | x].
    pub l_hat: Vec<f64>,
    /// E[d | x].
    pub r_hat: Vec<f64>,
    /// E[z | x].
    pub m_hat: Vec<f64>,
}

/// Cross-fitted nuisances of the local average effect, one value a row; index 0 is z = 0.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalAverageNuisances {
    /// E[y | z, x].
    pub g: [Vec<f64>; 2],
    /// P(d = 1 | z, x).
    pub r: [Vec<f64>; 2],
    /// P(z = 1 | x), after clipping.
    pub m: Vec<f64>,
    /// What clipping did; absent where the instrument's propensities were known.
    pub clip: Option<ClipReport>,
}

/// Partially linear with an instrument: `psi(theta) = (y - l(x) - theta (d - r(x)))(z - m(x))`.
///
/// Source: Chernozhukov et al. (2018), equation 4.8.
///
/// ```
/// use ceteris_estimate::score::{InstrumentNuisances, Instrumented, partially_linear_instrument};
/// let observed = Instrumented { y: &[3.0], d: &[2.0], z: &[1.0] };
/// let nuisances = InstrumentNuisances { l_hat: vec![1.0], r_hat: vec![0.5], m_hat: vec![0.5] };
/// let s = partially_linear_instrument(observed, &nuisances);
/// assert_eq!((s.psi_a, s.psi_b), (vec![0.75], vec![1.0]));
/// ```
pub fn partially_linear_instrument(observed: Instrumented<'_>, nuisances: &InstrumentNuisances) -> Scores {
    let Instrumented { y, d, z } = observed;
    let InstrumentNuisances { l_hat, r_hat, m_hat } = nuisances;
    let each = |f: &dyn Fn(usize) -> f64| (0..y.len()).map(f).collect();
    Scores {
        psi_a: each(&|i| (d[i] - r_hat[i]) * (z[i] - m_hat[i])),
        psi_b: each(&|i| (y[i] - l_hat[i]) * (z[i] - m_hat[i])),
    }
}

/// The local average effect, on those whom a binary instrument moves: the doubly robust effect of `z` on `y` over the
/// doubly robust effect of `z` on `d`.
///
/// Source: Tan (2006); Chernozhukov et al. (2018), equation 5.10.
///
/// ```
/// use ceteris_estimate::score::{Instrumented, LocalAverageNuisances, local_average};
/// let observed = Instrumented { y: &[5.0], d: &[1.0], z: &[1.0] };
/// let (g, r) = ([vec![1.0], vec![2.0]], [vec![0.0], vec![0.5]]);
/// let s = local_average(observed, &LocalAverageNuisances { g, r, m: vec![0.5], clip: None });
/// assert_eq!(s.psi_b, [2.0 - 1.0 + (5.0 - 2.0) / 0.5]);
/// assert_eq!(s.psi_a, [0.5 - 0.0 + (1.0 - 0.5) / 0.5]);
/// ```
pub fn local_average(observed: Instrumented<'_>, nuisances: &LocalAverageNuisances) -> Scores {
    let Instrumented { y, d, z } = observed;
    let LocalAverageNuisances { g, r, m, .. } = nuisances;
    Scores {
        psi_a: augmented(d, z, [&r[0], &r[1]], m),
        psi_b: augmented(y, z, [&g[0], &g[1]], m),
    }
}
