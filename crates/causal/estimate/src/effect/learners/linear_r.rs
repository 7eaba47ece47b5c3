//! The R-learner, linear in the effect basis: residual on residual, all arms at once.

use ceteris_effect::{EffectBasis, LinearEffect};
use ceteris_stats::Clusters;
use ceteris_stats::linalg::{Cholesky, weighted_cross, weighted_gram};
use ndarray::{Array2, ArrayView2, Axis, s};

use super::super::projection::expand_all;
use super::EffectError;
use crate::effect::ProjectionError;
use crate::learner::Design;

/// Relative pivot below which a term counts as a combination of earlier ones.
const ALIAS_TOLERANCE: f64 = 1e-10;

/// Minimises `sum w (y − sum_a d_a phi(x)'beta_a)^2` for centred `y` and `d` (n × K), with the cluster-robust sandwich
/// covariance times G/(G − K q): one effect a treatment. Where effects are not linear in the basis it is their
/// projection weighted by the treatment's variance given x.
///
/// Source: Nie and Wager (2021), *Quasi-oracle estimation of heterogeneous treatment effects*; Robinson (1988).
///
/// # Errors
/// Lengths, a modifier missing from the table, no more units than terms.
pub fn project_residuals(
    basis: &EffectBasis,
    x: &Design,
    y: &[f64],
    d: ArrayView2<f64>,
    w: &[f64],
    clusters: &Clusters,
) -> Result<Vec<LinearEffect>, EffectError> {
    let rows = x.n();
    for (what, found) in [
        ("outcome", y.len()),
        ("treatment", d.nrows()),
        ("weights", w.len()),
        ("clusters", clusters.n()),
    ] {
        if found != rows {
            return Err(ProjectionError::Length { what, found, rows }.into());
        }
    }
    let finite = |i: &usize| (w[*i] * y[*i]).is_finite() && d.row(*i).iter().all(|v| v.is_finite());
    if let Some(row) = (0..rows).find(|i| !finite(i)) {
        return Err(ProjectionError::NotFinite { row }.into());
    }
    let phi = expand_all(basis, x)?;
    let (q, k) = (basis.q(), d.ncols());
    let count = clusters.weighted_count(w);
    if count <= k * q {
        return Err(ProjectionError::TooFewClusters {
            clusters: count,
            terms: k * q,
        }
        .into());
    }
    let z = Array2::from_shape_fn((rows, k * q), |(i, j)| d[[i, j / q]] * phi[[i, j % q]]);
    let chol = Cholesky::new(&weighted_gram(z.view(), w), ALIAS_TOLERANCE);
    let target = ndarray::ArrayView1::from(y).insert_axis(Axis(1));
    let cross = weighted_cross(z.view(), target, w);
    let beta = chol.solve(&cross.column(0).to_vec());
    let fitted = z.dot(&ndarray::ArrayView1::from(&beta));
    let scores = Array2::from_shape_fn((rows, k * q), |(i, j)| w[i] * z[[i, j]] * (y[i] - fitted[i]));
    let influence = clusters.sums(scores.view()).dot(&chol.inverse());
    let factor = count as f64 / (count - k * q) as f64;
    let cov = weighted_gram(influence.view(), &vec![factor; influence.nrows()]);
    Ok((0..k)
        .map(|a| LinearEffect {
            basis: basis.clone(),
            beta: beta[a * q..(a + 1) * q].to_vec(),
            cov: cov
                .slice(s![a * q..(a + 1) * q, a * q..(a + 1) * q])
                .iter()
                .copied()
                .collect(),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use ceteris_effect::Column;
    use ndarray::array;

    use super::*;
    use crate::effect::{fit_basis, project};

    #[test]
    fn one_treatment_is_the_weighted_projection_of_the_ratio() {
        let x =
            Design::from_columns(vec![(Column::numeric("x"), vec![0.0, 1.0, 2.0, 4.0, 5.0, 7.0])]).unwrap();
        let basis = fit_basis(&x, &["x"], &[1.0; 6]).unwrap();
        let y = [1.0, -2.0, 0.5, 3.0, 2.0, -1.0];
        let d = [0.5, -0.5, 0.4, 0.6, -0.3, -0.7];
        let rows = Clusters::rows(6);
        let of_d = ndarray::ArrayView1::from(&d).insert_axis(Axis(1));
        let found = project_residuals(&basis, &x, &y, of_d, &[1.0; 6], &rows).unwrap();
        let ratio = Array2::from_shape_fn((6, 1), |(i, _)| y[i] / d[i]);
        let squares: Vec<f64> = d.iter().map(|d| d * d).collect();
        let same = project(&basis, &x, ratio.view(), &squares, &rows).unwrap().one(0);
        for (a, b) in found[0]
            .beta
            .iter()
            .chain(&found[0].cov)
            .zip(same.beta.iter().chain(&same.cov))
        {
            assert!((a - b).abs() < 1e-12, "{a} {b}");
        }
    }

    #[test]
    fn two_treatments_are_fitted_together() {
        let x = Design::from_columns(vec![(Column::numeric("x"), vec![0.0; 6])]).unwrap();
        let d = array![
            [1.0, 0.0],
            [0.0, 1.0],
            [1.0, 1.0],
            [-1.0, 0.5],
            [0.5, -1.0],
            [-0.2, 0.3]
        ];
        let y: Vec<f64> = d.outer_iter().map(|d| 2.0 * d[0] - 3.0 * d[1]).collect();
        let basis = EffectBasis::constant();
        let found = project_residuals(&basis, &x, &y, d.view(), &[1.0; 6], &Clusters::rows(6)).unwrap();
        assert!((found[0].beta[0] - 2.0).abs() < 1e-12 && (found[1].beta[0] + 3.0).abs() < 1e-12);
    }
}
