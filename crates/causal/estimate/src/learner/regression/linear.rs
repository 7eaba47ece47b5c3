//! Linear regression on a basis: ordinary least squares and ridge.
//!
//! Columns and targets are centred and scaled with the row weights first, so the intercept is never penalised and a
//! penalty does not depend on units. Both solve the normal equations, except where columns are so nearly combinations of
//! each other that these lose digits: least squares is linfa's QR then.

use ceteris_stats::linalg::Cholesky;
use linfa::{DatasetBase, traits::Fit};
use linfa_linear::LinearRegression;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, ShapeBuilder};

use super::moments::Moments;
use super::standardise::{Scales, Standardised, standardise};
use crate::learner::{
    BasisParams, Design, FittedBasis, FittedRegressor, LearnerError, LearnerFlag, Regressor, check_rows,
};

/// Relative pivot below which a standardised column counts as a combination of earlier ones.
pub(crate) const ALIAS_TOLERANCE: f64 = 1e-11;

/// Relative pivot below which least squares is solved by QR: above it, the normal equations keep ten digits.
const QR_PIVOT: f64 = 1e-6;

/// Penalties tried by [`Penalty::Gcv`], per row.
const GCV_GRID: [f64; 10] = [0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0];

/// The quadratic penalty of a linear regression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Penalty {
    /// Least squares.
    None,
    /// `lambda` times the squared length of the coefficients of standardised columns, added to the weighted sum of
    /// squares with weights of mean one (scikit-learn's `alpha`).
    Fixed(f64),
    /// One of a grid of penalties by generalised cross-validation (Golub, Heath and Wahba 1979), for each target.
    Gcv,
}

/// Linear regression on a basis expansion.
///
/// Minimises `sum_i w_i (y_i - a - z_i'b)^2 + lambda |b|^2` over standardised basis columns `z`.
///
/// | parameter | meaning |
/// |---|---|
/// | `basis` | how columns are expanded, fitted on the training rows |
/// | `penalty` | none (`ols`), fixed, or chosen by generalised cross-validation |
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Linear {
    /// How columns are expanded.
    pub basis: BasisParams,
    /// The penalty.
    pub penalty: Penalty,
}

impl Linear {
    /// Ordinary least squares.
    pub const fn ols(basis: BasisParams) -> Self {
        Linear {
            basis,
            penalty: Penalty::None,
        }
    }

    /// Ridge with a given penalty.
    pub const fn ridge(basis: BasisParams, lambda: f64) -> Self {
        Linear {
            basis,
            penalty: Penalty::Fixed(lambda),
        }
    }

    /// Ridge whose penalty is chosen by generalised cross-validation.
    pub const fn ridge_gcv(basis: BasisParams) -> Self {
        Linear {
            basis,
            penalty: Penalty::Gcv,
        }
    }
}

impl Regressor for Linear {
    fn name(&self) -> &'static str {
        match self.penalty {
            Penalty::None => "ols",
            Penalty::Fixed(_) | Penalty::Gcv => "ridge",
        }
    }

    fn fit(
        &self,
        x: &Design,
        y: ArrayView2<f64>,
        w: &[f64],
        _seed: u64,
    ) -> Result<Box<dyn FittedRegressor>, LearnerError> {
        if let Penalty::Fixed(lambda) = self.penalty
            && !(lambda.is_finite() && lambda >= 0.0)
        {
            return Err(LearnerError::Parameter {
                name: "lambda",
                range: "zero or more",
            });
        }
        let w = check_rows(x, Some(y), w)?;
        let mut basis = self.basis.fit_but_means(x, &w)?;
        let mut moments = Moments::of(&mut basis, x, y, &w)?;
        let chol = Cholesky::new(&moments.gram, ALIAS_TOLERANCE);
        let unpenalised = matches!(self.penalty, Penalty::None);
        let beta: Vec<Vec<f64>> = if unpenalised && chol.least_pivot() < QR_PIVOT {
            let Standardised { z, y, scales } = standardise(basis.expand(x)?, y, &w);
            moments.scales = scales;
            least_squares(z, &y, &w, &chol, &moments)
        } else {
            let rows = w.iter().filter(|w| **w > 0.0).count() as f64;
            let one = |target: usize| match self.penalty {
                Penalty::None => chol.solve(&moments.cross_of(target)),
                Penalty::Fixed(lambda) => ridge(&moments, target, lambda),
                Penalty::Gcv => ridge_gcv(&moments, target, rows),
            };
            (0..y.ncols()).map(one).collect()
        };
        let deficient = unpenalised && chol.rank() < live_columns(&moments.gram);
        let flags = if deficient {
            vec![LearnerFlag::RankDeficient]
        } else {
            Vec::new()
        };
        Ok(Box::new(FittedLinear::new(basis, &moments.scales, &beta, flags)))
    }

    fn linear(&self) -> Option<Linear> {
        Some(*self)
    }
}

/// Columns that vary at all; a constant one is no deficiency worth telling.
fn live_columns(gram: &Array2<f64>) -> usize {
    gram.diag().iter().filter(|d| **d > 0.0).count()
}

/// linfa's QR on the columns that are not aliased, for each target. Its only failure is a singular matrix, which the pivots
/// have excluded down to rounding; the normal equations answer then.
fn least_squares(
    terms: Array2<f64>,
    y: &Array2<f64>,
    w: &[f64],
    chol: &Cholesky,
    moments: &Moments,
) -> Vec<Vec<f64>> {
    let kept: Vec<usize> = (0..terms.ncols()).filter(|&j| chol.kept()[j]).collect();
    if kept.is_empty() {
        return vec![vec![0.0; terms.ncols()]; y.ncols()];
    }
    let roots: Vec<f64> = w.iter().map(|w| w.sqrt()).collect();
    // Column by column, as the QR walks.
    let mut z = Array2::zeros((terms.nrows(), kept.len()).f());
    for (mut column, &j) in z.axis_iter_mut(Axis(1)).zip(&kept) {
        let scaled = terms.column(j).into_iter().zip(&roots).map(|(v, root)| v * root);
        column.iter_mut().zip(scaled).for_each(|(cell, v)| *cell = v);
    }
    let width = terms.ncols();
    drop(terms);
    let one = |target: usize| {
        let scaled = y.column(target).into_iter().zip(&roots).map(|(y, root)| y * root);
        let dataset = DatasetBase::new(z.view(), scaled.collect::<Array1<f64>>());
        match LinearRegression::new().with_intercept(false).fit(&dataset) {
            Ok(fitted) => {
                let mut beta = vec![0.0; width];
                kept.iter().zip(fitted.params()).for_each(|(&j, b)| beta[j] = *b);
                beta
            }
            Err(_) => chol.solve(&moments.cross_of(target)),
        }
    };
    (0..y.ncols()).map(one).collect()
}

fn penalised(gram: &Array2<f64>, lambda: f64) -> Cholesky {
    let mut g = gram.clone();
    g.diag_mut().mapv_inplace(|d| d + lambda);
    Cholesky::new(&g, ALIAS_TOLERANCE)
}

fn ridge(moments: &Moments, target: usize, lambda: f64) -> Vec<f64> {
    penalised(&moments.gram, lambda).solve(&moments.cross_of(target))
}

/// Minimises `n RSS / (n - 1 - trace)^2` over the grid, n being the rows that have weight.
fn ridge_gcv(moments: &Moments, target: usize, n: f64) -> Vec<f64> {
    let (gram, cross) = (&moments.gram, moments.cross_of(target));
    let yty = moments.squares[target];
    let mut best: Option<(f64, Vec<f64>)> = None;
    for per_row in GCV_GRID {
        let lambda = per_row * moments.n as f64;
        let chol = penalised(gram, lambda);
        let beta = chol.solve(&cross);
        let inverse_trace: f64 = chol.inverse().diag().sum();
        // trace((G + lambda)^-1 G) = rank - lambda trace((G + lambda)^-1)
        let trace = chol.rank() as f64 - lambda * inverse_trace;
        let gb = gram.dot(&Array1::from_vec(beta.clone()));
        let explained: f64 = beta
            .iter()
            .zip(&cross)
            .zip(&gb)
            .map(|((b, c), g)| b * (2.0 * c - g))
            .sum();
        let free = n - 1.0 - trace;
        if free <= 1.0 {
            continue;
        }
        let gcv = n * (yty - explained).max(0.0) / (free * free);
        if best.as_ref().is_none_or(|(g, _)| gcv < *g) {
            best = Some((gcv, beta));
        }
    }
    best.map_or_else(|| ridge(moments, target, moments.n as f64), |(_, beta)| beta)
}

/// Coefficients on the raw basis, n × width to n × m.
pub(super) struct FittedLinear {
    basis: FittedBasis,
    intercept: Vec<f64>,
    /// width × m.
    coefficients: Array2<f64>,
    flags: Vec<LearnerFlag>,
}

impl FittedLinear {
    pub(super) fn new(
        basis: FittedBasis,
        scales: &Scales,
        beta: &[Vec<f64>],
        flags: Vec<LearnerFlag>,
    ) -> Self {
        let coefficients = Array2::from_shape_fn((basis.width(), beta.len()), |(i, j)| {
            beta[j][i] / scales.z_scale[i]
        });
        let intercept = (0..beta.len())
            .map(|j| {
                scales.y_mean[j]
                    - coefficients
                        .column(j)
                        .iter()
                        .zip(&scales.z_mean)
                        .map(|(b, m)| b * m)
                        .sum::<f64>()
            })
            .collect();
        FittedLinear {
            basis,
            intercept,
            coefficients,
            flags,
        }
    }
}

impl FittedRegressor for FittedLinear {
    fn predict(&self, x: &Design) -> Result<Array2<f64>, LearnerError> {
        let (intercept, coefficients) = (ArrayView1::from(&self.intercept), &self.coefficients);
        self.basis.in_blocks(x, intercept.len(), |terms, mut out| {
            out.assign(&(terms.dot(coefficients) + intercept));
        })
    }

    fn flags(&self) -> &[LearnerFlag] {
        &self.flags
    }
}

#[cfg(test)]
mod tests {
    use ceteris_effect::Column;
    use ndarray::array;

    use super::*;

    fn xy() -> (Design, Array2<f64>) {
        let x = Design::from_columns(vec![(Column::numeric("x"), vec![0.0, 1.0, 2.0])]).unwrap();
        (x, array![[1.0, 2.0], [2.0, 0.0], [6.0, 1.0]])
    }

    #[test]
    fn line_by_hand_for_two_targets_at_once() {
        let (x, y) = xy();
        let fit = Linear::ols(BasisParams::LINEAR)
            .fit(&x, y.view(), &[1.0; 3], 0)
            .unwrap();
        let p = fit.predict(&x).unwrap();
        // slope (6-1)/2 = 2.5, mean 3; slope (1-2)/2 = -0.5, mean 1.
        assert!((p[[0, 0]] - 0.5).abs() < 1e-12 && (p[[2, 0]] - 5.5).abs() < 1e-12);
        assert!((p[[0, 1]] - 1.5).abs() < 1e-12);
    }

    #[test]
    fn integer_weights_are_repeated_rows() {
        let (x, y) = xy();
        let x4 = x.select(&[0, 1, 1, 1, 2]);
        let y4 = y.select(Axis(0), &[0, 1, 1, 1, 2]);
        for learner in [
            Linear::ols(BasisParams::LINEAR),
            Linear::ridge(BasisParams::LINEAR, 0.0),
        ] {
            let a = learner
                .fit(&x, y.view(), &[2.0, 6.0, 2.0], 0)
                .unwrap()
                .predict(&x)
                .unwrap();
            let b = learner
                .fit(&x4, y4.view(), &[1.0; 5], 0)
                .unwrap()
                .predict(&x)
                .unwrap();
            assert!((&a - &b).iter().all(|d| d.abs() < 1e-12));
        }
    }

    #[test]
    fn ridge_by_hand() {
        // One standardised column: b = n cov / (n + lambda), here half of least squares at lambda = n.
        let (x, y) = xy();
        let p = Linear::ridge(BasisParams::LINEAR, 3.0)
            .fit(&x, y.view(), &[1.0; 3], 0)
            .unwrap()
            .predict(&x)
            .unwrap();
        assert!((p[[2, 0]] - p[[0, 0]] - 2.5).abs() < 1e-12);
        assert!((p[[1, 0]] - 3.0).abs() < 1e-12);
    }

    #[test]
    fn normal_equations_agree_with_linfa() {
        let n = 300;
        let f = |i: usize, k: usize| ((i * (k + 3) * 7919 + k * 104_729) % 1009) as f64 / 1009.0;
        let columns = (0..6)
            .map(|k| {
                (
                    Column::numeric(format!("x{k}")),
                    (0..n).map(|i| f(i, k)).collect(),
                )
            })
            .collect();
        let x = Design::from_columns(columns).unwrap();
        let y = Array2::from_shape_fn((n, 1), |(i, _)| (6.0 * f(i, 0)).sin() + f(i, 1) * f(i, 9));
        let w: Vec<f64> = (0..n).map(|i| 0.1 + f(i, 7)).collect();
        let w = check_rows(&x, None, &w).unwrap();
        let mut basis = BasisParams::spline(5).fit_but_means(&x, &w).unwrap();
        let moments = Moments::of(&mut basis, &x, y.view(), &w).unwrap();
        let chol = Cholesky::new(&moments.gram, ALIAS_TOLERANCE);
        let Standardised {
            z,
            y: centred,
            scales,
        } = standardise(basis.expand(&x).unwrap(), y.view(), &w);
        let beta = least_squares(z, &centred, &w, &chol, &moments);
        let linfa = FittedLinear::new(basis, &scales, &beta, Vec::new())
            .predict(&x)
            .unwrap();
        for own in [
            Linear::ols(BasisParams::spline(5)),
            Linear::ridge(BasisParams::spline(5), 0.0),
        ] {
            let own = own.fit(&x, y.view(), &w, 0).unwrap().predict(&x).unwrap();
            assert!((&linfa - &own).iter().all(|d| d.abs() < 1e-9));
        }
    }

    #[test]
    fn columns_that_nearly_coincide_keep_their_digits() {
        // What b adds to a is a few millionths of it, and all of y: the normal equations would keep four digits of it.
        let n = 200;
        let a = |i: usize| ((i * 7919) % 1009) as f64;
        let b = |i: usize| ((i * 104_729) % 997) as f64;
        let x = Design::from_columns(vec![
            (Column::numeric("a"), (0..n).map(a).collect()),
            (
                Column::numeric("ab"),
                (0..n).map(|i| a(i) + 4e-6 * b(i)).collect(),
            ),
        ])
        .unwrap();
        let y = Array2::from_shape_fn((n, 1), |(i, _)| b(i));
        let fit = Linear::ols(BasisParams::LINEAR)
            .fit(&x, y.view(), &vec![1.0; n], 0)
            .unwrap();
        assert!(fit.flags().is_empty());
        let gap = &fit.predict(&x).unwrap() - &y;
        assert!(gap.iter().all(|d| d.abs() < 1e-5), "{gap}");
    }

    #[test]
    fn a_number_never_missing_before_is_the_mean() {
        let (x, y) = xy();
        let asked = |v: f64| Design::with_missing(array![[v]], x.columns().to_vec()).unwrap();
        for learner in [
            Linear::ols(BasisParams::LINEAR),
            Linear::ridge_gcv(BasisParams::LINEAR),
        ] {
            let fit = learner.fit(&x, y.view(), &[2.0, 1.0, 1.0], 0).unwrap();
            let mean = fit.predict(&asked(0.75)).unwrap();
            let gap = &fit.predict(&asked(f64::NAN)).unwrap() - &mean;
            assert!(gap.iter().all(|d| d.abs() < 1e-12));
        }
    }

    #[test]
    fn repeated_column_is_flagged_and_harmless() {
        let v = vec![0.0, 1.0, 2.0, 5.0];
        let one = Design::from_columns(vec![(Column::numeric("a"), v.clone())]).unwrap();
        let two =
            Design::from_columns(vec![(Column::numeric("a"), v.clone()), (Column::numeric("b"), v)]).unwrap();
        let y = array![[1.0], [2.0], [2.0], [7.0]];
        let a = Linear::ols(BasisParams::LINEAR)
            .fit(&one, y.view(), &[1.0; 4], 0)
            .unwrap();
        let b = Linear::ols(BasisParams::LINEAR)
            .fit(&two, y.view(), &[1.0; 4], 0)
            .unwrap();
        assert_eq!(b.flags(), [LearnerFlag::RankDeficient]);
        assert!(a.flags().is_empty());
        let gap = &a.predict(&one).unwrap() - &b.predict(&two).unwrap();
        assert!(gap.iter().all(|d| d.abs() < 1e-12));
    }

    #[test]
    fn gcv_shrinks_noise_and_keeps_signal() {
        let n = 60;
        let f = |i: usize, k: usize| ceteris_stats::uniform(k as u64, &(i as u64).to_le_bytes(), 5) - 0.5;
        let columns = (0..30)
            .map(|k| {
                (
                    Column::numeric(format!("x{k}")),
                    (0..n).map(|i| f(i, k)).collect(),
                )
            })
            .collect();
        let x = Design::from_columns(columns).unwrap();
        let truth = |i: usize| 3.0 * f(i, 0);
        let y = Array2::from_shape_fn((n, 1), |(i, _)| truth(i) + 6.0 * f(i, 99));
        let error = |l: Linear| {
            let p = l
                .fit(&x, y.view(), &vec![1.0; n], 0)
                .unwrap()
                .predict(&x)
                .unwrap();
            (0..n).map(|i| (p[[i, 0]] - truth(i)).powi(2)).sum::<f64>()
        };
        assert!(
            error(Linear::ridge_gcv(BasisParams::LINEAR)) < 0.8 * error(Linear::ols(BasisParams::LINEAR))
        );
    }
}
