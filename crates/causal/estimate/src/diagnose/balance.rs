//! Balance: how far covariates differ between an arm and control, before and after weighting.

use ceteris_effect::ColumnKind;
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::learner::Design;

/// Standardised difference of one covariate (or one level of it) between an arm and control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Balance {
    /// The arm compared with control (arm 0).
    pub arm: usize,
    /// Name of the column, or `column=level`.
    pub covariate: String,
    /// Difference of weighted means over the pooled standard deviation, before weighting by propensities.
    pub before: f64,
    /// The same with weights `w / m`; the denominator stays that of before.
    pub after: f64,
}

/// Standardised differences of every covariate for every arm but control.
///
/// `m` is n × K, `w` the row weights. The denominator is `sqrt((s_a^2 + s_0^2)/2)` over unadjusted rows; a covariate
/// constant in both has difference zero. Rows without a level count as zero in each of its indicators.
///
/// Source: Austin (2009), *Balance diagnostics for comparing the distribution of baseline covariates*.
pub fn balance(x: &Design, m: ArrayView2<f64>, arms: &[usize], w: &[f64]) -> Vec<Balance> {
    let after: Vec<f64> = arms.iter().enumerate().map(|(i, &a)| w[i] / m[[i, a]]).collect();
    let mut out = Vec::new();
    for (covariate, values) in indicators(x) {
        let control = moments(&values, arms, 0, w);
        let control_after = moments(&values, arms, 0, &after);
        for arm in 1..m.ncols() {
            let treated = moments(&values, arms, arm, w);
            let pooled = (0.5 * (treated.1 + control.1)).sqrt();
            let standardise = |gap: f64| if pooled > 0.0 { gap / pooled } else { 0.0 };
            out.push(Balance {
                arm,
                covariate: covariate.clone(),
                before: standardise(treated.0 - control.0),
                after: standardise(moments(&values, arms, arm, &after).0 - control_after.0),
            });
        }
    }
    out
}

/// Numeric columns as they are, with an indicator of where they are missing; categorical ones as one indicator a level.
fn indicators(x: &Design) -> Vec<(String, Vec<f64>)> {
    let mut out = Vec::new();
    for (j, column) in x.columns().iter().enumerate() {
        let values: Vec<f64> = x.column(j).collect();
        match &column.kind {
            ColumnKind::Numeric => {
                out.push((column.name.clone(), values.to_vec()));
                let missing = |v: &f64| f64::from(u8::from(v.is_nan()));
                if values.iter().any(|v| v.is_nan()) {
                    let is = values.iter().map(missing).collect();
                    out.push((format!("{} missing", column.name), is));
                }
            }
            ColumnKind::Categorical { levels } => {
                for (l, level) in levels.iter().enumerate() {
                    let is = values
                        .iter()
                        .map(|v| f64::from(u8::from(*v == l as f64)))
                        .collect();
                    out.push((format!("{}={level}", column.name), is));
                }
            }
        }
    }
    out
}

/// Weighted mean and variance of an arm's known values; zeros for an arm without weight.
fn moments(values: &[f64], arms: &[usize], arm: usize, w: &[f64]) -> (f64, f64) {
    let members = || (0..arms.len()).filter(|&i| arms[i] == arm && !values[i].is_nan());
    let total: f64 = members().map(|i| w[i]).sum();
    if total <= 0.0 {
        return (0.0, 0.0);
    }
    let mean = members().map(|i| w[i] * values[i]).sum::<f64>() / total;
    let variance = members().map(|i| w[i] * (values[i] - mean).powi(2)).sum::<f64>() / total;
    (mean, variance)
}

#[cfg(test)]
mod tests {
    use ceteris_effect::Column;
    use ndarray::array;

    use super::*;

    #[test]
    fn true_propensities_balance_a_binary_confounder() {
        // x = 1 is treated 3 times in 4, x = 0 once in 4; weighting by the true propensities evens it out.
        let x = vec![1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0];
        let arms = [1, 1, 1, 0, 1, 0, 0, 0];
        let m = ndarray::Array2::from_shape_fn(
            (8, 2),
            |(i, a)| if (x[i] == 1.0) == (a == 1) { 0.75 } else { 0.25 },
        );
        let x = Design::from_columns(vec![(Column::numeric("x"), x)]).unwrap();
        let b = balance(&x, m.view(), &arms, &[1.0; 8]);
        // Means .75 and .25, both variances 3/16.
        assert!((b[0].before - 0.5 / (3.0f64 / 16.0).sqrt()).abs() < 1e-12);
        assert!(b[0].after.abs() < 1e-12);
    }

    #[test]
    fn levels_are_told_apart() {
        let k = Column::categorical("k", vec!["a".into(), "b".into()]);
        let x = Design::from_columns(vec![(k, vec![0.0, 0.0, 1.0, 0.0])]).unwrap();
        let m = array![[0.5, 0.5], [0.5, 0.5], [0.5, 0.5], [0.5, 0.5]];
        let b = balance(&x, m.view(), &[1, 1, 0, 0], &[1.0; 4]);
        assert_eq!(
            b.iter().map(|b| b.covariate.as_str()).collect::<Vec<_>>(),
            ["k=a", "k=b"]
        );
        assert!(b[0].before > 0.0 && b[1].before < 0.0);
    }
}
