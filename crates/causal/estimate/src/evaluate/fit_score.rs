//! How well effects explain held-out rows: the R-score and the DR-score, by which learners are chosen.

use ndarray::ArrayView2;

use super::EvaluateError;

/// `1 − sum w (y − d'tau)^2 / sum w (y − d'theta)^2` on held-out rows: the share of what a constant effect leaves that
/// tau(x) explains.
///
/// `y` and `d` (n × K) are centred by nuisances of other rows, `tau` is n × K; theta, the constant, is fitted here, so
/// that 0 is what effects that do not differ score, and a negative number means worse than that.
///
/// Source: Nie and Wager (2021); Schuler et al. (2018) for its use in selection.
///
/// # Errors
/// Lengths, values that are not finite.
pub fn r_score(y: &[f64], d: ArrayView2<f64>, tau: ArrayView2<f64>, w: &[f64]) -> Result<f64, EvaluateError> {
    let rows = y.len();
    for (what, found) in [
        ("treatments", d.nrows()),
        ("effects", tau.nrows()),
        ("weights", w.len()),
    ] {
        if found != rows {
            return Err(EvaluateError::Length { what, found, rows });
        }
    }
    if tau.ncols() != d.ncols() {
        return Err(EvaluateError::UnknownArm {
            arm: tau.ncols(),
            arms: d.ncols(),
        });
    }
    if let Some(row) = (0..rows).find(|&i| tau.row(i).iter().any(|t| !t.is_finite())) {
        return Err(EvaluateError::Value { what: "effects", row });
    }
    let gram = ceteris_stats::linalg::weighted_gram(d, w);
    let k = d.ncols();
    let cross: Vec<f64> = (0..k)
        .map(|a| (0..rows).map(|i| w[i] * d[[i, a]] * y[i]).sum())
        .collect();
    let theta = ceteris_stats::linalg::Cholesky::new(&gram, 1e-12).solve(&cross);
    let (mut with, mut without) = (0.0, 0.0);
    for i in 0..rows {
        let explained: f64 = (0..k).map(|a| d[[i, a]] * tau[[i, a]]).sum();
        let constant: f64 = (0..k).map(|a| d[[i, a]] * theta[a]).sum();
        with += w[i] * (y[i] - explained).powi(2);
        without += w[i] * (y[i] - constant).powi(2);
    }
    Ok(1.0 - with / without)
}

/// `1 − sum w (gamma − tau)^2 / sum w (gamma − mean gamma)^2` for one contrast: the same with doubly robust scores.
///
/// # Errors
/// Lengths, values that are not finite.
pub fn dr_score(gamma: &[f64], tau: &[f64], w: &[f64]) -> Result<f64, EvaluateError> {
    let clusters = ceteris_stats::Clusters::rows(gamma.len());
    super::check(gamma, &[("effects", tau)], w, &clusters)?;
    let total: f64 = w.iter().sum();
    let mean = w.iter().zip(gamma).map(|(w, g)| w * g).sum::<f64>() / total;
    let (mut with, mut without) = (0.0, 0.0);
    for i in 0..gamma.len() {
        with += w[i] * (gamma[i] - tau[i]).powi(2);
        without += w[i] * (gamma[i] - mean).powi(2);
    }
    Ok(1.0 - with / without)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn the_truth_scores_one_and_a_constant_zero() {
        let d = array![[-0.5], [0.5], [-0.5], [0.5]];
        let tau = array![[1.0], [1.0], [3.0], [3.0]];
        let y: Vec<f64> = (0..4).map(|i| d[[i, 0]] * tau[[i, 0]]).collect();
        let score = |tau: &ndarray::Array2<f64>| r_score(&y, d.view(), tau.view(), &[1.0; 4]).unwrap();
        assert!((score(&tau) - 1.0).abs() < 1e-12);
        assert!(score(&array![[2.0], [2.0], [2.0], [2.0]]).abs() < 1e-12);
        assert!(score(&array![[3.0], [3.0], [1.0], [1.0]]) < 0.0);
        assert!((dr_score(&[1.0, 3.0], &[1.0, 3.0], &[1.0; 2]).unwrap() - 1.0).abs() < 1e-12);
        assert!(dr_score(&[1.0, 3.0], &[2.0, 2.0], &[1.0; 2]).unwrap().abs() < 1e-12);
    }
}
