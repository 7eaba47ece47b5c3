//! Scores of the interactive model with a binary treatment: average effect, and effect on the treated.

use super::Scores;

/// Augmented inverse propensity weighting for the average effect:
/// `psi(theta) = g1 - g0 + d (y - g1)/m - (1 - d)(y - g0)/(1 - m) - theta`.
///
/// `d` is 0 or 1; `g0`, `g1` and the propensity `m` are cross-fitted, one value a row, `0 < m < 1`.
///
/// Source: Robins, Rotnitzky and Zhao (1994); Chernozhukov et al. (2018), equation 5.3.
///
/// ```
/// use ceteris_causal::score::interactive_ate;
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
}
