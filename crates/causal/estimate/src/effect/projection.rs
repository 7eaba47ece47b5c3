//! Best linear projection of doubly robust scores on an effect basis, for several scores at once.

use ceteris_effect::{EffectBasis, StackedEffect, UnknownModifier};
use ceteris_stats::Clusters;
use ceteris_stats::linalg::{Cholesky, weighted_cross, weighted_gram};
use ndarray::{Array2, ArrayView1, ArrayView2, Axis, s};

use crate::learner::Design;

/// Relative pivot below which a term counts as a combination of earlier ones.
const ALIAS_TOLERANCE: f64 = 1e-10;

/// Why scores could not be projected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProjectionError {
    /// Lengths disagree.
    #[error("{what} has {found} rows where the table has {rows}")]
    Length {
        /// The argument at fault.
        what: &'static str,
        /// Its rows.
        found: usize,
        /// Rows of the table.
        rows: usize,
    },
    /// Weights of another length, or none of them positive.
    #[error("{weights} weights with a positive sum are needed for {rows} rows")]
    Weights {
        /// Weights given.
        weights: usize,
        /// Rows of the table.
        rows: usize,
    },
    /// A modifier of the basis is no column of the table.
    #[error("effect modifier {name} is not a column of the table")]
    UnknownColumn {
        /// The name.
        name: String,
    },
    /// A score or weight is NaN or infinite.
    #[error("the score of row {row} is not a finite number")]
    NotFinite {
        /// The row.
        row: usize,
    },
    /// The covariance needs more units than terms.
    #[error("{clusters} independent units cannot determine {terms} terms and their errors")]
    TooFewClusters {
        /// Independent units.
        clusters: usize,
        /// Terms of the basis.
        terms: usize,
    },
}

/// Projects each column of `gamma` (n × m) on `basis` by weighted least squares.
///
/// `beta_j = (sum w phi phi')^-1 sum w phi gamma_j`; the covariance is the cluster-robust sandwich of the stacked
/// scores `s_i = w_i phi_i (gamma_ij - phi_i' beta_j)`, summed by unit first, times `G/(G - q)`. It holds the
/// covariances between scores, so that arms can be compared and outcomes added.
///
/// Source: Semenova and Chernozhukov (2021), *Debiased machine learning of conditional average treatment effects*,
/// theorem 3.1; Cameron and Miller (2015) for the clusters.
///
/// # Errors
/// Lengths, a modifier missing from the table, numbers that are not finite, no more units than terms.
pub fn project(
    basis: &EffectBasis,
    x: &Design,
    gamma: ArrayView2<f64>,
    w: &[f64],
    clusters: &Clusters,
) -> Result<StackedEffect, ProjectionError> {
    check(x, gamma, w, clusters)?;
    let phi = expand_all(basis, x)?;
    let (q, m) = (basis.q(), gamma.ncols());
    let count = clusters.weighted_count(w);
    if count <= q {
        return Err(ProjectionError::TooFewClusters {
            clusters: count,
            terms: q,
        });
    }
    let chol = Cholesky::new(&weighted_gram(phi.view(), w), ALIAS_TOLERANCE);
    let bread = chol.inverse();
    let cross = weighted_cross(phi.view(), gamma, w);
    let beta: Vec<f64> = cross
        .axis_iter(Axis(1))
        .flat_map(|c| chol.solve(&c.to_vec()))
        .collect();
    let coefficients = Array2::from_shape_fn((q, m), |(i, j)| beta[j * q + i]);
    let residual = &gamma - &phi.dot(&coefficients);
    let mut stacked = Array2::zeros((x.n(), m * q));
    for i in 0..x.n() {
        for j in 0..m {
            let scale = w[i] * residual[[i, j]];
            stacked
                .slice_mut(s![i, j * q..(j + 1) * q])
                .assign(&(&phi.row(i) * scale));
        }
    }
    let sums = clusters.sums(stacked.view());
    let meat = weighted_gram(sums.view(), &vec![1.0; sums.nrows()]);
    let small_sample = count as f64 / (count - q) as f64;
    let cov = sandwich(&bread, &meat, m, small_sample);
    let kept = chol.kept();
    let aliased = basis
        .term_names()
        .into_iter()
        .zip(kept)
        .filter(|(_, k)| !**k)
        .map(|(n, _)| n)
        .collect();
    Ok(StackedEffect {
        basis: basis.clone(),
        m,
        beta,
        cov,
        aliased,
        clusters: count,
    })
}

fn check(x: &Design, gamma: ArrayView2<f64>, w: &[f64], clusters: &Clusters) -> Result<(), ProjectionError> {
    let rows = x.n();
    for (what, found) in [
        ("scores", gamma.nrows()),
        ("weights", w.len()),
        ("clusters", clusters.n()),
    ] {
        if found != rows {
            return Err(ProjectionError::Length { what, found, rows });
        }
    }
    let finite = |i: &usize| w[*i].is_finite() && gamma.row(*i).iter().all(|v| v.is_finite());
    (0..rows)
        .find(|i| !finite(i))
        .map_or(Ok(()), |row| Err(ProjectionError::NotFinite { row }))
}

/// `phi(x)` for every row, n × q.
pub(super) fn expand_all(basis: &EffectBasis, x: &Design) -> Result<Array2<f64>, ProjectionError> {
    let unknown = |UnknownModifier { name }| ProjectionError::UnknownColumn { name };
    let positions = basis.positions(x.columns()).map_err(unknown)?;
    let mut phi = Array2::zeros((x.n(), basis.q()));
    let mut row = vec![0.0; positions.len()];
    let mut terms = vec![0.0; basis.q()];
    for (i, mut out) in phi.outer_iter_mut().enumerate() {
        let all = x.row(i);
        row.iter_mut().zip(&positions).for_each(|(r, &at)| *r = all[at]);
        basis.expand(&row, &mut terms);
        out.iter_mut().zip(&terms).for_each(|(o, t)| *o = *t);
    }
    Ok(phi)
}

/// `(I ⊗ B) M (I ⊗ B)`, scaled, row by row; made symmetric against rounding.
fn sandwich(bread: &Array2<f64>, meat: &Array2<f64>, m: usize, scale: f64) -> Vec<f64> {
    let q = bread.nrows();
    let mut cov = Array2::zeros((m * q, m * q));
    for a in 0..m {
        for b in 0..m {
            let block = meat.slice(s![a * q..(a + 1) * q, b * q..(b + 1) * q]);
            let block = bread.dot(&block).dot(bread) * scale;
            cov.slice_mut(s![a * q..(a + 1) * q, b * q..(b + 1) * q])
                .assign(&block);
        }
    }
    let symmetric = (&cov + &cov.t()) * 0.5;
    symmetric.iter().copied().collect()
}

/// Coefficients of the true effects `tau` (one value a row) on a fitted basis: their weighted projection, exact where
/// the truth is linear in the basis. Give them to [`ceteris_effect::LinearEffect::wald`].
///
/// # Errors
/// As [`project`].
pub fn true_coefficients(
    basis: &EffectBasis,
    x: &Design,
    tau: &[f64],
    w: &[f64],
) -> Result<Vec<f64>, ProjectionError> {
    let gamma = ArrayView1::from(tau).insert_axis(Axis(1));
    project(basis, x, gamma, w, &Clusters::rows(x.n())).map(|fit| fit.one(0).beta)
}

#[cfg(test)]
mod tests {
    use ceteris_effect::Column;
    use ceteris_stats::Unit;
    use ndarray::{Array2, array};

    use super::super::fit_basis;
    use super::*;
    use crate::inference::solve;
    use crate::score::Scores;

    fn table() -> Design {
        Design::from_columns(vec![(Column::numeric("x"), vec![-1.0, 1.0, -1.0, 1.0])]).unwrap()
    }

    #[test]
    fn coefficients_and_covariance_by_hand() {
        let x = table();
        let basis = fit_basis(&x, &["x"], &[1.0; 4]).unwrap();
        let gamma = array![[0.0, 1.0], [4.0, 1.0], [2.0, 1.0], [6.0, 1.0]];
        let fit = project(&basis, &x, gamma.view(), &[1.0; 4], &Clusters::rows(4)).unwrap();
        assert_eq!(fit.beta, [3.0, 2.0, 1.0, 0.0]);
        // Residuals ±1: meat 4 I, bread I/4, factor 4/2.
        let one = fit.one(0);
        assert!(
            (one.cov[0] - 0.5).abs() < 1e-14 && (one.cov[3] - 0.5).abs() < 1e-14 && one.cov[1].abs() < 1e-14
        );
        assert!(fit.one(1).cov.iter().all(|v| v.abs() < 1e-28));
        let difference = fit.combine(&[1.0, -1.0]);
        assert_eq!(difference.beta, [2.0, 2.0]);
        assert!((difference.cov[0] - 0.5).abs() < 1e-14);
    }

    #[test]
    fn a_score_minus_itself_has_no_variance() {
        let x = table();
        let basis = fit_basis(&x, &["x"], &[1.0; 4]).unwrap();
        let gamma = array![[0.0, 0.0], [4.5, 4.5], [2.0, 2.0], [6.0, 6.0]];
        let fit = project(
            &basis,
            &x,
            gamma.view(),
            &[1.0, 2.0, 1.0, 1.0],
            &Clusters::rows(4),
        )
        .unwrap();
        assert!(fit.combine(&[1.0, -1.0]).cov.iter().all(|v| v.abs() < 1e-14));
    }

    #[test]
    fn constant_basis_is_the_average_up_to_the_small_sample_factor() {
        let x = table();
        let units = [Unit::from(1), Unit::from(1), Unit::from(2), Unit::from(3)];
        let clusters = Clusters::by_unit(&units);
        let (y, w) = (vec![0.0, 4.0, 2.5, 6.0], [1.0, 2.0, 0.5, 1.0]);
        let gamma = Array2::from_shape_vec((4, 1), y.clone()).unwrap();
        let fit = project(&EffectBasis::constant(), &x, gamma.view(), &w, &clusters).unwrap();
        let mean = solve(&Scores::mean_of(y.clone()), &w, &clusters).unwrap();
        assert!((fit.beta[0] - mean.estimate).abs() < 1e-14);
        let psi: Vec<f64> = y.iter().zip(&w).map(|(y, w)| w * (y - mean.estimate)).collect();
        let plain = clusters.sum_of_squares(&psi) / w.iter().sum::<f64>().powi(2);
        assert!((fit.cov[0] - plain * 3.0 / 2.0).abs() < 1e-14);
    }

    #[test]
    fn aliased_terms_are_named() {
        let v = vec![-1.0, 1.0, 2.0, 1.5, 9.0];
        let columns = vec![
            (Column::numeric("a"), v.clone()),
            (Column::numeric("twice"), v.iter().map(|v| 2.0 * v).collect()),
        ];
        let x = Design::from_columns(columns).unwrap();
        let basis = fit_basis(&x, &["a", "twice"], &[1.0; 5]).unwrap();
        let gamma = Array2::from_shape_vec((5, 1), v).unwrap();
        let fit = project(&basis, &x, gamma.view(), &[1.0; 5], &Clusters::rows(5)).unwrap();
        assert_eq!(fit.aliased, ["twice"]);
        assert_eq!(fit.one(0).beta[2], 0.0);
    }
}
