//! Lasso and elastic net: a path of penalties by coordinate descent, the one chosen that predicts best what it has not
//! seen.
//!
//! Own code, for linfa's takes no row weights and has no path. Everything is read off cross products: with p basis
//! columns a path costs p^2 a sweep whatever the number of rows, and all folds together cost one pass over them.

use ceteris_stats::linalg::{weighted_cross, weighted_gram};
use ndarray::{Array1, Array2, ArrayView2, Axis};

use super::linear::FittedLinear;
use super::standardise::standardise;
use crate::learner::inner::inner_folds;
use crate::learner::{
    BasisParams, Design, FittedRegressor, LearnerError, LearnerFlag, Regressor, check_rows,
};

/// Penalties on the path.
const PATH: usize = 60;
/// The least penalty of the path, relative to the one at which the first column enters.
const SMALLEST: f64 = 1e-4;
/// Folds of the choice.
const FOLDS: usize = 5;
/// Sweeps over the columns at one penalty.
const SWEEPS_MAX: usize = 1000;
/// Change of a standardised coefficient, relative to the target's spread, at which sweeps end.
const CHANGE_MIN: f64 = 1e-9;

/// Linear regression with an absolute and a quadratic penalty on a basis expansion.
///
/// Minimises `1/(2n) sum_i w_i (y_i - a - z_i'b)^2 + lambda (mix |b|_1 + (1 - mix)/2 |b|_2^2)` over standardised
/// basis columns z with weights of mean one; lambda is the one of 60 with the least squared error on rows held out.
///
/// | parameter | meaning |
/// |---|---|
/// | `basis` | how columns are expanded, fitted on the training rows |
/// | `mix` | 1 is the lasso, below 1 the elastic net; above 0 |
///
/// Source: Tibshirani (1996); Zou and Hastie (2005); Friedman, Hastie and Tibshirani (2010) for the path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ElasticNet {
    /// How columns are expanded.
    pub basis: BasisParams,
    /// Share of the absolute penalty.
    pub mix: f64,
}

impl ElasticNet {
    /// The lasso.
    pub const fn lasso(basis: BasisParams) -> Self {
        ElasticNet { basis, mix: 1.0 }
    }

    /// Half absolute, half quadratic.
    pub const fn half(basis: BasisParams) -> Self {
        ElasticNet { basis, mix: 0.5 }
    }
}

impl Regressor for ElasticNet {
    fn name(&self) -> &'static str {
        if self.mix < 1.0 { "elastic_net" } else { "lasso" }
    }

    fn fit(
        &self,
        x: &Design,
        y: ArrayView2<f64>,
        w: &[f64],
        seed: u64,
    ) -> Result<Box<dyn FittedRegressor>, LearnerError> {
        if !(self.mix > 0.0 && self.mix <= 1.0) {
            return Err(LearnerError::Parameter {
                name: "mix",
                range: "above 0 and at most 1",
            });
        }
        let w = check_rows(x, Some(y), w)?;
        let basis = self.basis.fit(x, &w)?;
        let data = standardise(basis.expand(x)?, y, &w);
        let all: Vec<usize> = (0..x.n()).collect();
        let whole = Products::of(&data.z, &data.y, &w, &all);
        let parts: Vec<Products> = inner_folds(x, &[], FOLDS, seed)
            .map(|folds| {
                (0..folds.k())
                    .map(|j| Products::of(&data.z, &data.y, &w, &folds.held_out(j)))
                    .filter(|part| part.weight > 0.0 && part.weight < whole.weight)
                    .collect()
            })
            .unwrap_or_default();
        let mut converged = true;
        let beta: Vec<Vec<f64>> = (0..y.ncols())
            .map(|target| {
                let problem = whole.centred(target);
                let path = problem.lambdas(self.mix);
                let chosen = choose(&whole, &parts, target, &path, self.mix);
                let (fits, done) = problem.path(&path[..=chosen], self.mix);
                converged &= done;
                fits.into_iter().next_back().unwrap_or_default()
            })
            .collect();
        let flags = if converged {
            Vec::new()
        } else {
            vec![LearnerFlag::NotConverged]
        };
        Ok(Box::new(FittedLinear::new(basis, &data.scales, &beta, flags)))
    }
}

/// The position on the path with the least squared error over the parts, each predicted by a fit to the others; the
/// first (no coefficient) where there is nothing to hold out.
fn choose(whole: &Products, parts: &[Products], target: usize, path: &[f64], mix: f64) -> usize {
    let mut errors = vec![0.0; path.len()];
    for part in parts {
        let rest = whole.without(part);
        let problem = rest.centred(target);
        let (fits, _) = problem.path(path, mix);
        for (error, beta) in errors.iter_mut().zip(fits) {
            *error += part.squared_error(target, problem.intercept(&beta), &beta);
        }
    }
    let mut best = 0;
    for (at, error) in errors.iter().enumerate() {
        if *error < errors[best] {
            best = at;
        }
    }
    best
}

/// Weighted sums and cross products of some rows.
struct Products {
    weight: f64,
    z: Array1<f64>,
    y: Array1<f64>,
    zz: Array2<f64>,
    zy: Array2<f64>,
    yy: Array1<f64>,
}

impl Products {
    fn of(z: &Array2<f64>, y: &Array2<f64>, w: &[f64], rows: &[usize]) -> Self {
        let (z, y) = (z.select(Axis(0), rows), y.select(Axis(0), rows));
        let w: Vec<f64> = rows.iter().map(|&i| w[i]).collect();
        let ones = Array2::ones((rows.len(), 1));
        let sum = |v: ArrayView2<f64>| weighted_cross(v, ones.view(), &w).column(0).to_owned();
        Products {
            weight: w.iter().sum(),
            z: sum(z.view()),
            y: sum(y.view()),
            zz: weighted_gram(z.view(), &w),
            zy: weighted_cross(z.view(), y.view(), &w),
            yy: sum((&y * &y).view()),
        }
    }

    fn without(&self, part: &Products) -> Products {
        Products {
            weight: self.weight - part.weight,
            z: &self.z - &part.z,
            y: &self.y - &part.y,
            zz: &self.zz - &part.zz,
            zy: &self.zy - &part.zy,
            yy: &self.yy - &part.yy,
        }
    }

    /// The problem of one target about these rows' own means, per unit of weight.
    fn centred(&self, target: usize) -> Problem {
        let total = self.weight;
        let mean = &self.z / total;
        let p = mean.len();
        let gram = Array2::from_shape_fn((p, p), |(i, j)| self.zz[[i, j]] / total - mean[i] * mean[j]);
        let y_mean = self.y[target] / total;
        let cross = Array1::from_shape_fn(p, |j| self.zy[[j, target]] / total - mean[j] * y_mean);
        let spread = (self.yy[target] / total - y_mean * y_mean).max(0.0).sqrt();
        Problem {
            gram,
            cross,
            mean,
            y_mean,
            spread,
        }
    }

    fn squared_error(&self, target: usize, a: f64, beta: &[f64]) -> f64 {
        let b = Array1::from(beta.to_vec());
        let fitted = b.dot(&self.zz.dot(&b)) + 2.0 * a * b.dot(&self.z) + a * a * self.weight;
        let shared = b.dot(&self.zy.column(target)) + a * self.y[target];
        self.yy[target] - 2.0 * shared + fitted
    }
}

/// Covariances of one target's regression.
struct Problem {
    gram: Array2<f64>,
    cross: Array1<f64>,
    mean: Array1<f64>,
    y_mean: f64,
    spread: f64,
}

impl Problem {
    /// Decreasing penalties from the one that lets no column in.
    fn lambdas(&self, mix: f64) -> Vec<f64> {
        let top = self.cross.iter().fold(0.0f64, |m, c| m.max(c.abs())) / mix;
        let step = |k: usize| SMALLEST.powf(k as f64 / (PATH - 1) as f64);
        (0..PATH).map(|k| top * step(k)).collect()
    }

    fn intercept(&self, beta: &[f64]) -> f64 {
        self.y_mean - beta.iter().zip(&self.mean).map(|(b, m)| b * m).sum::<f64>()
    }

    /// Coefficients at each penalty, each started from the one before; and whether all converged.
    fn path(&self, lambdas: &[f64], mix: f64) -> (Vec<Vec<f64>>, bool) {
        let p = self.cross.len();
        let mut beta = vec![0.0; p];
        // What is left of the cross products: cross - gram beta.
        let mut rest = self.cross.clone();
        let mut converged = true;
        let fits = lambdas
            .iter()
            .map(|&lambda| {
                converged &= self.descend(&mut beta, &mut rest, lambda * mix, lambda * (1.0 - mix));
                beta.clone()
            })
            .collect();
        (fits, converged)
    }

    /// Sweeps over all columns, then over those with a coefficient until they stand still, and again.
    fn descend(&self, beta: &mut [f64], rest: &mut Array1<f64>, absolute: f64, square: f64) -> bool {
        let still = CHANGE_MIN * self.spread;
        let mut all = true;
        for _ in 0..SWEEPS_MAX {
            let mut moved: f64 = 0.0;
            for j in 0..beta.len() {
                if self.gram[[j, j]] <= 0.0 || !all && beta[j] == 0.0 {
                    continue;
                }
                let pull = rest[j] + self.gram[[j, j]] * beta[j];
                let shrunk = pull.signum() * (pull.abs() - absolute).max(0.0);
                let change = shrunk / (self.gram[[j, j]] + square) - beta[j];
                if change != 0.0 {
                    beta[j] += change;
                    rest.scaled_add(-change, &self.gram.column(j));
                    moved = moved.max(change.abs());
                }
            }
            if moved <= still {
                if all {
                    return true;
                }
                all = true;
            } else {
                all = false;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use ceteris_effect::Column;

    use super::*;
    use crate::learner::Linear;

    fn table(n: usize, p: usize) -> Design {
        let value = |i: usize, j: usize| ((i * (2 * j + 3) * 7919 + j * 31) % 1009) as f64 / 504.0 - 1.0;
        let columns = (0..p).map(|j| Column::numeric(format!("x{j}"))).collect();
        Design::new(Array2::from_shape_fn((n, p), |(i, j)| value(i, j)), columns).unwrap()
    }

    /// y = 2 x0 - x1 + noise, eighteen columns of no use.
    fn sparse(n: usize) -> (Design, Array2<f64>) {
        let x = table(n, 20);
        let noise = |i: usize| ((i * 104_729) % 613) as f64 / 306.0 - 1.0;
        let y = Array2::from_shape_fn((n, 1), |(i, _)| 2.0 * x.row(i)[0] - x.row(i)[1] + 0.5 * noise(i));
        (x, y)
    }

    #[test]
    fn optimality_conditions_hold_along_the_path() {
        let (x, y) = sparse(300);
        let w: Vec<f64> = (0..300).map(|i| 0.5 + (i % 3) as f64 * 0.5).collect();
        let data = standardise(x.values(), y.view(), &w);
        let problem = Products::of(&data.z, &data.y, &w, &(0..300).collect::<Vec<_>>()).centred(0);
        for mix in [1.0, 0.5] {
            let lambdas = problem.lambdas(mix);
            let (fits, converged) = problem.path(&lambdas, mix);
            assert!(converged && fits[0].iter().all(|b| b.abs() < 1e-12));
            for (lambda, beta) in lambdas.iter().zip(&fits) {
                let b = Array1::from(beta.clone());
                let gradient = &problem.cross - &problem.gram.dot(&b) - &(b * *lambda * (1.0 - mix));
                for (g, b) in gradient.iter().zip(beta) {
                    if *b == 0.0 {
                        assert!(g.abs() <= lambda * mix + 1e-7);
                    } else {
                        assert!((g - lambda * mix * b.signum()).abs() < 1e-7);
                    }
                }
            }
        }
    }

    #[test]
    fn useless_columns_are_left_out_and_useful_ones_kept() {
        let (x, y) = sparse(400);
        let fit = ElasticNet::lasso(BasisParams::LINEAR)
            .fit(&x, y.view(), &[1.0; 400], 1)
            .unwrap();
        let moved = |j: usize| {
            let at = |v: f64| {
                let mut row = vec![0.0; 20];
                row[j] = v;
                let row = Array2::from_shape_vec((1, 20), row).unwrap();
                fit.predict(&Design::new(row, x.columns().to_vec()).unwrap())
                    .unwrap()[[0, 0]]
            };
            at(1.0) - at(0.0)
        };
        assert!((moved(0) - 2.0).abs() < 0.15 && (moved(1) + 1.0).abs() < 0.15);
        let rest: Vec<f64> = (2..20).map(|j| moved(j).abs()).collect();
        assert!(rest.iter().all(|m| *m < 0.1), "{rest:?}");
        assert!(rest.iter().filter(|m| **m < 1e-12).count() >= 6, "{rest:?}");
    }

    #[test]
    fn predictions_do_not_depend_on_row_order_or_the_scale_of_weights() {
        let (x, y) = sparse(120);
        let units: Vec<_> = (0..120u64).map(ceteris_stats::Unit::from).collect();
        let x = x.of_units(units);
        let net = ElasticNet::half(BasisParams::spline(4));
        let plain = net
            .fit(&x, y.view(), &[1.0; 120], 5)
            .unwrap()
            .predict(&x)
            .unwrap();
        let order: Vec<usize> = (0..120).map(|i| (i * 77) % 120).collect();
        let heavy = net
            .fit(
                &x.select(&order),
                y.select(Axis(0), &order).view(),
                &[3.0; 120],
                5,
            )
            .unwrap()
            .predict(&x)
            .unwrap();
        assert!(plain.iter().zip(&heavy).all(|(a, b)| (a - b).abs() < 1e-8));
    }

    #[test]
    fn with_hardly_any_penalty_it_is_least_squares() {
        let x = table(200, 3);
        let y = Array2::from_shape_fn((200, 1), |(i, _)| x.row(i).iter().sum::<f64>() + 4.0);
        let net = ElasticNet::lasso(BasisParams::LINEAR)
            .fit(&x, y.view(), &[1.0; 200], 0)
            .unwrap();
        let ols = Linear::ols(BasisParams::LINEAR)
            .fit(&x, y.view(), &[1.0; 200], 0)
            .unwrap();
        let gap = net.predict(&x).unwrap() - ols.predict(&x).unwrap();
        assert!(gap.iter().all(|g| g.abs() < 1e-3));
    }
}
