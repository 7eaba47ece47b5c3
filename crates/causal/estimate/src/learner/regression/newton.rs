//! Damped Newton iterations for the weighted multinomial logistic likelihood, penalised or not.
//!
//! Class 0 is the reference. The penalty is symmetric in the classes, so relabelling arms changes nothing.

use std::ops::Range;

use ceteris_stats::linalg::{BLOCK_ROWS, Cholesky, weighted_gram};
use ndarray::{Array2, ArrayView1, ArrayView2, s};

use super::linear::ALIAS_TOLERANCE;

const ITERATIONS_MAX: usize = 60;
const HALVINGS_MAX: usize = 30;
/// Half the Newton decrement, the predicted gain in log likelihood, at which iterations end with one more step. By a curvature
/// no more than some steps old it leaves a ten-thousandth of that gain: the coefficients are then some millionths of their
/// standard errors from the maximum, or nearer.
const GAIN_MIN: f64 = 1e-8;
/// Of so many blocks of rows, where there are as many for each class but the first, one is climbed on before all are: these
/// are then a step nearer to their top.
const SAMPLED_FROM: usize = 7;
/// Predicted gain at which the climb on a sample ends: the sample's top is not nearer to that of all rows.
const GAIN_SAMPLED: f64 = 1.0;
/// A sample in which a class is as improbable as this may separate and lead astray.
const SAFE_PROBABILITY: f64 = 1e-6;
/// Predicted gain, for each row and relative to the one before, below which the curvature hardly changes in a step, so that
/// the next one makes do with it.
const NEAR: f64 = 1e-4;
/// Fall of the objective, relative to its size, that is rounding and no reason to halve a step.
const ROUNDING: f64 = 1e-13;

/// Where the iterations ended.
pub(crate) struct Optimum {
    /// (1 + p) × (K − 1); the first row holds intercepts.
    pub(crate) theta: Array2<f64>,
    /// The least probability of any class in any row, one step before the end where they converged.
    pub(crate) lowest: f64,
    pub(crate) converged: bool,
    pub(crate) aliased: bool,
}

/// The problem: `z` n × (1 + p) with a first column of ones, classes, weights of mean one, and a penalty on each of the p
/// coefficients that follow.
pub(crate) struct Multinomial<'a> {
    pub(crate) z: ArrayView2<'a, f64>,
    pub(crate) classes: &'a [usize],
    pub(crate) n_classes: usize,
    pub(crate) w: &'a [f64],
    pub(crate) penalties: &'a [f64],
}

/// The penalised log likelihood at some coefficients, and its derivatives.
struct Local {
    theta: Array2<f64>,
    value: f64,
    /// (K − 1) × (1 + p).
    gradient: Array2<f64>,
    /// Minus the second derivative, in blocks of classes, where it was asked for; the lower triangle, which is all a
    /// Cholesky factor reads.
    hessian: Option<Array2<f64>>,
    lowest: f64,
}

impl Multinomial<'_> {
    pub(crate) fn maximise(&self) -> Optimum {
        let mut start = self.start();
        if self.z.nrows() >= SAMPLED_FROM * BLOCK_ROWS * start.ncols() {
            let near = self.climb(start.clone(), SAMPLED_FROM, GAIN_SAMPLED);
            if near.converged && near.lowest > SAFE_PROBABILITY {
                start = near.theta;
            }
        }
        self.climb(start, 1, GAIN_MIN)
    }

    /// Climbs from some coefficients on one of so many blocks of rows, until a step gains less than `least`.
    fn climb(&self, start: Array2<f64>, one_of: usize, least: f64) -> Optimum {
        let (q, c) = start.dim();
        let mut here = self.at(start, one_of, true);
        let (mut converged, mut aliased) = (false, false);
        let mut chol = None;
        let mut last_gain = f64::INFINITY;
        for _ in 0..ITERATIONS_MAX {
            if let Some(hessian) = here.hessian.take() {
                chol = Some(Cholesky::new(&hessian, ALIAS_TOLERANCE));
            }
            let Some(chol) = &chol else { break };
            aliased = chol.rank() < q * c;
            let gradient: Vec<f64> = here.gradient.iter().copied().collect();
            let step = chol.solve(&gradient);
            let gain: f64 = 0.5 * step.iter().zip(&gradient).map(|(s, g)| s * g).sum::<f64>();
            let step = Array2::from_shape_fn((q, c), |(i, k)| step[k * q + i]);
            if gain < least {
                // So near the top the full step is exact to second order, and rounding hides the gain.
                here.theta += &step;
                converged = true;
                break;
            }
            let near = gain < NEAR * self.w.len() as f64 && gain < NEAR * last_gain;
            last_gain = gain;
            let Some(next) = self.damped(&here, &step, one_of, !near) else {
                break;
            };
            here = next;
        }
        Optimum {
            theta: here.theta,
            lowest: here.lowest,
            converged,
            aliased,
        }
    }

    /// Intercepts that reproduce the weighted class shares.
    fn start(&self) -> Array2<f64> {
        let mut theta = Array2::zeros((self.z.ncols(), self.n_classes - 1));
        let mut share = vec![0.0; self.n_classes];
        for (&a, w) in self.classes.iter().zip(self.w) {
            share[a] += w;
        }
        for k in 1..self.n_classes {
            theta[[0, k - 1]] = (share[k] / share[0]).ln();
        }
        theta
    }

    /// Halves the step until the objective does not fall.
    fn damped(&self, from: &Local, step: &Array2<f64>, one_of: usize, curved: bool) -> Option<Local> {
        let mut scale = 1.0;
        for _ in 0..HALVINGS_MAX {
            let next = self.at(&from.theta + &(step * scale), one_of, curved);
            if next.value.is_finite() && next.value >= from.value - ROUNDING * (1.0 + from.value.abs()) {
                return Some(next);
            }
            scale *= 0.5;
        }
        None
    }

    /// One pass over one of so many blocks of rows for all that a step needs: a full step is hardly ever refused.
    fn at(&self, theta: Array2<f64>, one_of: usize, curved: bool) -> Local {
        let (q, c) = theta.dim();
        let mut local = Local {
            value: -0.5 * self.penalty(&theta),
            gradient: Array2::zeros((c, q)),
            hessian: curved.then(|| Array2::zeros((q * c, q * c))),
            lowest: 1.0,
            theta,
        };
        for start in (0..self.z.nrows()).step_by(BLOCK_ROWS * one_of) {
            self.add_block(start..(start + BLOCK_ROWS).min(self.z.nrows()), &mut local);
        }
        for (i, penalty) in (1..q).zip(self.penalties) {
            let mean = local.theta.row(i).sum() / self.n_classes as f64;
            for a in 0..c {
                local.gradient[[a, i]] -= penalty * 2.0 * (local.theta[[i, a]] - mean);
            }
            let Some(hessian) = &mut local.hessian else {
                continue;
            };
            for (a, b) in (0..c).flat_map(|a| (0..=a).map(move |b| (a, b))) {
                let same = f64::from(u8::from(a == b));
                hessian[[a * q + i, b * q + i]] += penalty * 2.0 * (same - 1.0 / self.n_classes as f64);
            }
        }
        local
    }

    /// Adds what some rows have of the likelihood and its derivatives.
    fn add_block(&self, rows: Range<usize>, to: &mut Local) {
        let (q, c) = to.theta.dim();
        let (z, w, classes) = (
            self.z.slice(s![rows.clone(), ..]),
            &self.w[rows.clone()],
            &self.classes[rows],
        );
        // Linear predictors, then probabilities, of the classes but the first.
        let mut p = Array2::zeros((classes.len(), c));
        for (mut column, theta) in p.columns_mut().into_iter().zip(to.theta.columns()) {
            column.assign(&z.dot(&theta.to_owned()));
        }
        let cells = p.rows_mut().into_iter().zip(z.rows()).zip(classes).zip(w);
        for (((p, z), &class), w) in cells {
            let p = p.into_slice().unwrap_or_default();
            let top = p.iter().fold(0.0f64, |m, v| m.max(*v));
            let at = class.checked_sub(1).map_or(0.0, |k| p[k]) - top;
            // The top itself is one, which need not be worked out.
            let power = |v: f64| if v < 0.0 { v.exp() } else { 1.0 };
            let reference = power(-top);
            let mut sum = reference;
            for v in p.iter_mut() {
                *v = power(*v - top);
                sum += *v;
            }
            to.value += w * (at - sum.ln());
            to.lowest = to.lowest.min(reference / sum);
            for (k, (v, mut gradient)) in p.iter_mut().zip(to.gradient.rows_mut()).enumerate() {
                *v /= sum;
                to.lowest = to.lowest.min(*v);
                let residual = f64::from(u8::from(class == k + 1)) - *v;
                gradient.scaled_add(w * residual, &z);
            }
        }
        let Some(hessian) = &mut to.hessian else { return };
        let mut curvature = vec![0.0; w.len()];
        for a in 0..c {
            for b in 0..=a {
                let same = f64::from(u8::from(a == b));
                for ((v, w), p) in curvature.iter_mut().zip(w).zip(p.outer_iter()) {
                    *v = w * p[a] * (same - p[b]);
                }
                let mut block = hessian.slice_mut(s![a * q..(a + 1) * q, b * q..(b + 1) * q]);
                block += &weighted_gram(z, &curvature);
            }
        }
    }

    /// `2 sum_i lambda_i (sum_k b_ik^2 - (sum_k b_ik)^2 / K)`: with two classes the weighted squares of coefficients.
    fn penalty(&self, theta: &Array2<f64>) -> f64 {
        let slopes = theta.outer_iter().skip(1).zip(self.penalties);
        let one = |(b, penalty): (ArrayView1<f64>, &f64)| {
            penalty * (b.iter().map(|b| b * b).sum::<f64>() - b.sum().powi(2) / self.n_classes as f64)
        };
        2.0 * slopes.map(one).sum::<f64>()
    }
}
