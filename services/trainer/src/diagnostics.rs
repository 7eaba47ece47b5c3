//! What a reader of the estimates should see of one fit: overlap, clipping, balance, and how well the nuisances predict
//! rows they did not see.

use ceteris_estimate::diagnose::balance::{Balance, balance};
use ceteris_estimate::diagnose::overlap::overlap;
use ceteris_estimate::dml::FittedMultiArm;
use ceteris_estimate::learner::Design;
use ndarray::{Array2, ArrayView1, ArrayView2};
use serde_json::{Value, json};

use crate::rows::DatasetRows;

/// Diagnostics of one fit; `outcomes` is n × m.
pub(crate) fn diagnostics(
    dataset_rows: &DatasetRows<'_>,
    x: &Design,
    fitted: &FittedMultiArm,
    arms: &[usize],
    outcomes: &Array2<f64>,
) -> Value {
    let repeat = &fitted.repeats[0];
    let m = repeat.m_hat.view();
    let balance = balance(x, m, arms, dataset_rows.weights);
    let worst = |of: fn(&Balance) -> f64| {
        let finite = balance.iter().map(|b| of(b).abs()).filter(|d| d.is_finite());
        finite.fold(0.0, f64::max)
    };
    let r_squared: Vec<Vec<Option<f64>>> = repeat
        .g_hat
        .iter()
        .zip(outcomes.columns())
        .map(|(g, y)| {
            (0..fitted.n_arms)
                .map(|arm| r_squared(y, g.column(arm), arms, arm, dataset_rows.weights))
                .collect()
        })
        .collect();
    json!({
        "overlap": overlap(m, arms, dataset_rows.weights, dataset_rows.clip),
        "clip": repeat.clip,
        "balance": {
            "standardised_difference_max_before": worst(|b| b.before),
            "standardised_difference_max_after": worst(|b| b.after),
            "by_covariate": balance,
        },
        "nuisances": {
            "outcome_r_squared_by_outcome_and_arm": r_squared,
            "propensity_log_loss": log_loss(m, arms, dataset_rows.weights),
            "propensity_log_loss_of_shares": log_loss_of_shares(arms, fitted.n_arms, dataset_rows.weights),
        },
        "flags": fitted.flags,
    })
}

/// Share of an arm's variance that the held-out regression explains; below 0 where its mean predicts better. None
/// where the outcome does not vary.
fn r_squared(y: ArrayView1<f64>, g: ArrayView1<f64>, arms: &[usize], arm: usize, w: &[f64]) -> Option<f64> {
    let rows = || (0..arms.len()).filter(|&i| arms[i] == arm);
    let total: f64 = rows().map(|i| w[i]).sum();
    let mean = rows().map(|i| w[i] * y[i]).sum::<f64>() / total;
    let spread: f64 = rows().map(|i| w[i] * (y[i] - mean).powi(2)).sum();
    let left: f64 = rows().map(|i| w[i] * (y[i] - g[i]).powi(2)).sum();
    (spread > 0.0).then(|| 1.0 - left / spread)
}

/// Mean of −log of the probability of the arm that each row has, in nats.
fn log_loss(m: ArrayView2<f64>, arms: &[usize], w: &[f64]) -> f64 {
    let loss: f64 = arms
        .iter()
        .zip(w)
        .enumerate()
        .map(|(i, (&arm, w))| -w * m[[i, arm]].ln())
        .sum();
    loss / w.iter().sum::<f64>()
}

/// The same had every row the arms' shares: what a model of no use would lose.
fn log_loss_of_shares(arms: &[usize], n_arms: usize, w: &[f64]) -> f64 {
    let total: f64 = w.iter().sum();
    let mut shares = vec![0.0; n_arms];
    arms.iter().zip(w).for_each(|(&arm, w)| shares[arm] += w / total);
    shares
        .iter()
        .filter(|share| **share > 0.0)
        .map(|share| -share * share.ln())
        .sum()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn fit_figures_by_hand() {
        let (y, g) = (array![1.0, 3.0, 9.0], array![1.5, 2.5, 0.0]);
        // Arm 0: mean 2, spread 2, left over 2 · .25.
        assert_eq!(
            r_squared(y.view(), g.view(), &[0, 0, 1], 0, &[1.0; 3]),
            Some(0.75)
        );
        assert_eq!(r_squared(y.view(), g.view(), &[0, 0, 1], 1, &[1.0; 3]), None);
        let m = array![[0.5, 0.5], [0.25, 0.75]];
        let by_hand = -(0.5f64.ln() + 3.0 * 0.75f64.ln()) / 4.0;
        assert!((log_loss(m.view(), &[0, 1], &[1.0, 3.0]) - by_hand).abs() < 1e-15);
        let entropy = -(0.25 * 0.25f64.ln() + 0.75 * 0.75f64.ln());
        assert!((log_loss_of_shares(&[0, 1], 2, &[1.0, 3.0]) - entropy).abs() < 1e-15);
    }
}
