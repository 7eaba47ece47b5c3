//! Scores of the interactive model with a binary treatment: the average effect over everybody, over the treated, over
//! the untreated, and over those of whom treatment is uncertain.

use serde::{Deserialize, Serialize};

use super::{ClipReport, Observed, Scores};

/// Whose effect is averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimand {
    /// Everybody's.
    Ate,
    /// The treated's.
    Att,
    /// The untreated's.
    Atc,
    /// Weighted by m (1 - m): of those who could have had either arm.
    Overlap,
}

/// Cross-fitted nuisances of the interactive model, one value a row.
#[derive(Clone, Debug, PartialEq)]
pub struct InteractiveNuisances {
    /// E[y | d = 0, x].
    pub g0: Vec<f64>,
    /// E[y | d = 1, x].
    pub g1: Vec<f64>,
    /// P(d = 1 | x), after clipping.
    pub m: Vec<f64>,
    /// What clipping did; absent where propensities were known.
    pub clip: Option<ClipReport>,
}

/// The score of an estimand, for a binary treatment and weights `w`.
///
/// | estimand | score |
/// |---|---|
/// | everybody's | `g1 - g0 + d (y - g1)/m - (1 - d)(y - g0)/(1 - m) - theta` |
/// | the treated's | `(d - m (1 - d)/(1 - m)) (y - g0)/p - theta d/p`, p the weighted treated share of the whole sample |
/// | the untreated's | the treated's with the arms' roles exchanged and the sign turned |
/// | overlap | `(d - m)^2 (g1 - g0 - theta) + (1 - m) d (y - g1) - m (1 - d)(y - g0)` |
///
/// Propensities lie strictly between 0 and 1. Where nobody is treated the treated's scores are not finite, which
/// inference refuses. The overlap-weighted effect is about those who could have had either arm, and divides by no
/// propensity: where overlap is weak it stays what it is, while the average effect rests on a few rows.
///
/// Source: Robins, Rotnitzky and Zhao (1994); Chernozhukov et al. (2018), equations 5.3 and 5.4; Li, Morgan and Zaslavsky
/// (2018) for the overlap weights; Crump et al. (2006) for their score with `m` estimated.
///
/// ```
/// use ceteris_estimate::score::{Estimand, InteractiveNuisances, Observed, interactive};
/// let observed = Observed { y: &[5.0], d: &[1.0] };
/// let nuisances = InteractiveNuisances { g0: vec![1.0], g1: vec![2.0], m: vec![0.5], clip: None };
/// let s = interactive(observed, &nuisances, Estimand::Ate, &[1.0]);
/// assert_eq!(s.psi_b, [2.0 - 1.0 + (5.0 - 2.0) / 0.5]);
/// ```
pub fn interactive(
    observed: Observed<'_>,
    nuisances: &InteractiveNuisances,
    estimand: Estimand,
    w: &[f64],
) -> Scores {
    let Observed { y, d } = observed;
    let InteractiveNuisances { g0, g1, m, .. } = nuisances;
    let other = |v: &[f64]| -> Vec<f64> { v.iter().map(|v| 1.0 - v).collect() };
    match estimand {
        Estimand::Ate => Scores::mean_of(augmented(y, d, [g0, g1], m)),
        Estimand::Att => treated(observed, g0, m, w),
        Estimand::Atc => {
            let d = &other(d);
            let mut scores = treated(Observed { y, d }, g1, &other(m), w);
            scores.psi_b.iter_mut().for_each(|b| *b = -*b);
            scores
        }
        Estimand::Overlap => {
            let each = |f: &dyn Fn(usize) -> f64| (0..y.len()).map(f).collect();
            Scores {
                psi_a: each(&|i| (d[i] - m[i]).powi(2)),
                psi_b: each(&|i| {
                    (d[i] - m[i]).powi(2) * (g1[i] - g0[i]) + (1.0 - m[i]) * d[i] * (y[i] - g1[i])
                        - m[i] * (1.0 - d[i]) * (y[i] - g0[i])
                }),
            }
        }
    }
}

/// Augmented inverse propensity weighting of a response to a binary cause with regressions `g` and propensity `m`.
pub(super) fn augmented(response: &[f64], cause: &[f64], g: [&[f64]; 2], m: &[f64]) -> Vec<f64> {
    let [g0, g1] = g;
    let term = |i: usize| {
        let (y, d) = (response[i], cause[i]);
        g1[i] - g0[i] + d * (y - g1[i]) / m[i] - (1.0 - d) * (y - g0[i]) / (1.0 - m[i])
    };
    (0..response.len()).map(term).collect()
}

/// The score of those with `d = 1`, whose outcome without it is `g_other`.
fn treated(observed: Observed<'_>, g_other: &[f64], m: &[f64], w: &[f64]) -> Scores {
    let Observed { y, d } = observed;
    let total: f64 = d.iter().zip(w).map(|(d, w)| d * w).sum();
    let p = total / w.iter().sum::<f64>();
    let psi_b = (0..y.len())
        .map(|i| (d[i] - m[i] * (1.0 - d[i]) / (1.0 - m[i])) * (y[i] - g_other[i]) / p)
        .collect();
    Scores {
        psi_a: d.iter().map(|d| d / p).collect(),
        psi_b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nuisances(g0: &[f64], g1: &[f64], m: &[f64]) -> InteractiveNuisances {
        InteractiveNuisances {
            g0: g0.to_vec(),
            g1: g1.to_vec(),
            m: m.to_vec(),
            clip: None,
        }
    }

    #[test]
    fn effect_on_the_treated_by_hand() {
        // Two treated with y - g0 of 4 and 2, two controls matched exactly: the mean over the treated is 3.
        let observed = Observed {
            y: &[5.0, 3.0, 1.0, 1.0],
            d: &[1.0, 1.0, 0.0, 0.0],
        };
        let hats = nuisances(&[1.0; 4], &[0.0; 4], &[0.5; 4]);
        let s = interactive(observed, &hats, Estimand::Att, &[1.0; 4]);
        assert_eq!(s.psi_b.iter().sum::<f64>() / s.psi_a.iter().sum::<f64>(), 3.0);
        assert_eq!(s.psi_a, [2.0, 2.0, 0.0, 0.0]);
    }

    #[test]
    fn effect_on_the_untreated_by_hand() {
        // Two controls with g1 - y of 4 and 2: the mean over the untreated is 3.
        let observed = Observed {
            y: &[5.0, 5.0, 1.0, 3.0],
            d: &[1.0, 1.0, 0.0, 0.0],
        };
        let hats = nuisances(&[0.0; 4], &[5.0; 4], &[0.5; 4]);
        let s = interactive(observed, &hats, Estimand::Atc, &[1.0; 4]);
        assert_eq!(s.psi_b.iter().sum::<f64>() / s.psi_a.iter().sum::<f64>(), 3.0);
    }

    #[test]
    fn one_effect_for_all_is_every_estimand() {
        // y = g0 + 2 d exactly: whatever the propensities, every score's root is 2.
        let (d, m) = ([1.0, 0.0, 1.0, 0.0], [0.9, 0.2, 0.05, 0.6]);
        let g0 = [1.0, -1.0, 0.5, 3.0];
        let y: Vec<f64> = (0..4).map(|i| g0[i] + 2.0 * d[i]).collect();
        let hats = nuisances(&g0, &g0.map(|g| g + 2.0), &m);
        for estimand in [Estimand::Ate, Estimand::Att, Estimand::Atc, Estimand::Overlap] {
            let s = interactive(Observed { y: &y, d: &d }, &hats, estimand, &[1.0; 4]);
            let root = s.psi_b.iter().sum::<f64>() / s.psi_a.iter().sum::<f64>();
            assert!((root - 2.0).abs() < 1e-12, "{root}");
        }
    }
}
