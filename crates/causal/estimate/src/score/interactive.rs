//! Scores of the interactive model with a binary treatment: the average effect over everybody, over the treated, over
//! the untreated, and over those of whom treatment is uncertain.

use super::Scores;

/// Augmented inverse propensity weighting for the average effect:
/// `psi(theta) = g1 - g0 + d (y - g1)/m - (1 - d)(y - g0)/(1 - m) - theta`.
///
/// `d` is 0 or 1; `g0`, `g1` and the propensity `m` are cross-fitted, one value a row, `0 < m < 1`.
///
/// Source: Robins, Rotnitzky and Zhao (1994); Chernozhukov et al. (2018), equation 5.3.
///
/// ```
/// use ceteris_estimate::score::interactive_ate;
/// let s = interactive_ate(&[5.0], &[1.0], &[1.0], &[2.0], &[0.5]);
/// assert_eq!(s.psi_b, [2.0 - 1.0 + (5.0 - 2.0) / 0.5]);
/// ```
pub fn interactive_ate(y: &[f64], d: &[f64], g0: &[f64], g1: &[f64], m: &[f64]) -> Scores {
    let psi_b = (0..y.len())
        .map(|i| g1[i] - g0[i] + d[i] * (y[i] - g1[i]) / m[i] - (1.0 - d[i]) * (y[i] - g0[i]) / (1.0 - m[i]))
        .collect();
    Scores::mean_of(psi_b)
}

/// The effect on the treated:
/// `psi(theta) = (d - m (1 - d)/(1 - m)) (y - g0)/p - theta d/p`, p the weighted treated share of the whole sample.
///
/// Arguments as in [`interactive_ate`]; `w` are the row weights. With nobody treated `p` is zero and the scores are
/// not finite, which inference refuses.
///
/// Source: Chernozhukov et al. (2018), equation 5.4.
pub fn interactive_att(y: &[f64], d: &[f64], g0: &[f64], m: &[f64], w: &[f64]) -> Scores {
    let treated: f64 = d.iter().zip(w).map(|(d, w)| d * w).sum();
    let p = treated / w.iter().sum::<f64>();
    let psi_b = (0..y.len())
        .map(|i| (d[i] - m[i] * (1.0 - d[i]) / (1.0 - m[i])) * (y[i] - g0[i]) / p)
        .collect();
    Scores {
        psi_a: d.iter().map(|d| d / p).collect(),
        psi_b,
    }
}

/// The effect on the untreated: `psi(theta) = ((1 - m) d/m - (1 - d))(y - g1)/q + ...`, the effect on the treated with
/// the arms' roles exchanged and the sign turned; q is the weighted untreated share.
///
/// Arguments as in [`interactive_att`], with `g1` for `g0`.
///
/// Source: Chernozhukov et al. (2018), equation 5.4, by symmetry.
pub fn interactive_atc(y: &[f64], d: &[f64], g1: &[f64], m: &[f64], w: &[f64]) -> Scores {
    let other = |v: &[f64]| -> Vec<f64> { v.iter().map(|v| 1.0 - v).collect() };
    let mut scores = interactive_att(y, &other(d), g1, &other(m), w);
    scores.psi_b.iter_mut().for_each(|b| *b = -*b);
    scores
}

/// The overlap-weighted effect `E[m (1 - m) tau(x)] / E[m (1 - m)]`:
/// `psi(theta) = (d - m)^2 (g1 - g0 - theta) + (1 - m) d (y - g1) - m (1 - d)(y - g0)`.
///
/// It is about those who could have had either arm, and divides by no propensity: where overlap is weak it stays what
/// it is, while the average effect rests on a few rows. Arguments as in [`interactive_ate`].
///
/// Source: Li, Morgan and Zaslavsky (2018) for the estimand; Crump et al. (2006) for the score with `m` estimated.
pub fn interactive_overlap(y: &[f64], d: &[f64], g0: &[f64], g1: &[f64], m: &[f64]) -> Scores {
    let each = |f: &dyn Fn(usize) -> f64| (0..y.len()).map(f).collect();
    Scores {
        psi_a: each(&|i| (d[i] - m[i]).powi(2)),
        psi_b: each(&|i| {
            (d[i] - m[i]).powi(2) * (g1[i] - g0[i]) + (1.0 - m[i]) * d[i] * (y[i] - g1[i])
                - m[i] * (1.0 - d[i]) * (y[i] - g0[i])
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effect_on_the_treated_by_hand() {
        // Two treated with y - g0 of 4 and 2, two controls matched exactly: the mean over the treated is 3.
        let s = interactive_att(
            &[5.0, 3.0, 1.0, 1.0],
            &[1.0, 1.0, 0.0, 0.0],
            &[1.0; 4],
            &[0.5; 4],
            &[1.0; 4],
        );
        assert_eq!(s.psi_b.iter().sum::<f64>() / s.psi_a.iter().sum::<f64>(), 3.0);
        assert_eq!(s.psi_a, [2.0, 2.0, 0.0, 0.0]);
    }

    #[test]
    fn effect_on_the_untreated_by_hand() {
        // Two controls with g1 - y of 4 and 2: the mean over the untreated is 3.
        let s = interactive_atc(
            &[5.0, 5.0, 1.0, 3.0],
            &[1.0, 1.0, 0.0, 0.0],
            &[5.0; 4],
            &[0.5; 4],
            &[1.0; 4],
        );
        assert_eq!(s.psi_b.iter().sum::<f64>() / s.psi_a.iter().sum::<f64>(), 3.0);
    }

    #[test]
    fn one_effect_for_all_is_every_estimand() {
        // y = g0 + 2 d exactly: whatever the propensities, every score's root is 2.
        let (d, m) = ([1.0, 0.0, 1.0, 0.0], [0.9, 0.2, 0.05, 0.6]);
        let g0 = [1.0, -1.0, 0.5, 3.0];
        let g1 = g0.map(|g| g + 2.0);
        let y: Vec<f64> = (0..4).map(|i| g0[i] + 2.0 * d[i]).collect();
        let w = [1.0; 4];
        for s in [
            interactive_ate(&y, &d, &g0, &g1, &m),
            interactive_att(&y, &d, &g0, &m, &w),
            interactive_atc(&y, &d, &g1, &m, &w),
            interactive_overlap(&y, &d, &g0, &g1, &m),
        ] {
            let root = s.psi_b.iter().sum::<f64>() / s.psi_a.iter().sum::<f64>();
            assert!((root - 2.0).abs() < 1e-12, "{root}");
        }
    }
}
