//! Damped Newton iterations for the weighted multinomial logistic likelihood, penalised or not.
//!
//! Class 0 is the reference. The penalty is symmetric in the classes, so relabelling arms changes nothing.

use ndarray::{Array2, ArrayView2, s};

use super::linear::ALIAS_TOLERANCE;
use crate::linalg::{Cholesky, weighted_cross, weighted_gram};

const ITERATIONS_MAX: usize = 60;
const HALVINGS_MAX: usize = 30;
/// Half the Newton decrement, the predicted gain in log likelihood, at which iterations end.
const GAIN_MIN: f64 = 1e-12;
/// Fall of the objective, relative to its size, that is rounding and no reason to halve a step.
const ROUNDING: f64 = 1e-13;

/// Where the iterations ended.
pub(crate) struct Optimum {
    /// (1 + p) × (K − 1); the first row holds intercepts.
    pub(crate) theta: Array2<f64>,
    /// Class probabilities of the training rows, n × K.
    pub(crate) probabilities: Array2<f64>,
    pub(crate) converged: bool,
    pub(crate) aliased: bool,
}

/// The problem: `z` n × (1 + p) with a first column of ones, classes, weights of mean one, penalty on the rest.
pub(crate) struct Multinomial<'a> {
    pub(crate) z: ArrayView2<'a, f64>,
    pub(crate) classes: &'a [usize],
    pub(crate) n_classes: usize,
    pub(crate) w: &'a [f64],
    pub(crate) lambda: f64,
}

impl Multinomial<'_> {
    pub(crate) fn maximise(&self) -> Optimum {
        let (q, c) = (self.z.ncols(), self.n_classes - 1);
        let mut theta = Array2::zeros((q, c));
        self.start(&mut theta);
        let (mut p, mut value) = self.evaluate(&theta);
        let (mut converged, mut aliased) = (false, false);
        for _ in 0..ITERATIONS_MAX {
            let gradient = self.gradient(&theta, &p);
            let chol = Cholesky::new(&self.hessian(&p), ALIAS_TOLERANCE);
            aliased = chol.rank() < q * c;
            let step = chol.solve(&gradient);
            let gain: f64 = 0.5 * step.iter().zip(&gradient).map(|(s, g)| s * g).sum::<f64>();
            let step = Array2::from_shape_fn((q, c), |(i, k)| step[k * q + i]);
            if gain < GAIN_MIN {
                // So near the top the full step is exact to second order, and rounding hides the gain.
                theta += &step;
                p = self.evaluate(&theta).0;
                converged = true;
                break;
            }
            let Some(next) = self.damped(&theta, &step, value) else {
                break;
            };
            (theta, p, value) = next;
        }
        Optimum {
            theta,
            probabilities: p,
            converged,
            aliased,
        }
    }

    /// Intercepts that reproduce the weighted class shares.
    fn start(&self, theta: &mut Array2<f64>) {
        let mut share = vec![0.0; self.n_classes];
        for (&a, w) in self.classes.iter().zip(self.w) {
            share[a] += w;
        }
        for k in 1..self.n_classes {
            theta[[0, k - 1]] = (share[k] / share[0]).ln();
        }
    }

    /// Halves the step until the objective does not fall.
    fn damped(
        &self,
        theta: &Array2<f64>,
        step: &Array2<f64>,
        value: f64,
    ) -> Option<(Array2<f64>, Array2<f64>, f64)> {
        let mut scale = 1.0;
        for _ in 0..HALVINGS_MAX {
            let next = theta + &(step * scale);
            let (p, v) = self.evaluate(&next);
            if v.is_finite() && v >= value - ROUNDING * (1.0 + value.abs()) {
                return Some((next, p, v));
            }
            scale *= 0.5;
        }
        None
    }

    /// Probabilities and penalised log likelihood.
    fn evaluate(&self, theta: &Array2<f64>) -> (Array2<f64>, f64) {
        let mut p = Array2::zeros((self.z.nrows(), self.n_classes));
        p.slice_mut(s![.., 1..]).assign(&self.z.dot(theta));
        let mut value = -0.5 * self.lambda * self.penalty(theta);
        for ((mut row, &a), w) in p.outer_iter_mut().zip(self.classes).zip(self.w) {
            let top = row.fold(0.0f64, |m, v| m.max(*v));
            let at = row[a] - top;
            row.mapv_inplace(|v| (v - top).exp());
            let sum = row.sum();
            value += w * (at - sum.ln());
            row.mapv_inplace(|v| v / sum);
        }
        (p, value)
    }

    /// `2 (sum_k |b_k|^2 - |sum_k b_k|^2 / K)`: with two classes the squared length of the coefficients.
    fn penalty(&self, theta: &Array2<f64>) -> f64 {
        let slopes = theta.slice(s![1.., ..]);
        let total: f64 = slopes.outer_iter().map(|r| r.sum().powi(2)).sum();
        2.0 * (slopes.iter().map(|b| b * b).sum::<f64>() - total / self.n_classes as f64)
    }

    fn gradient(&self, theta: &Array2<f64>, p: &Array2<f64>) -> Vec<f64> {
        let (q, c) = theta.dim();
        let residual = Array2::from_shape_fn((p.nrows(), c), |(i, k)| {
            f64::from(u8::from(self.classes[i] == k + 1)) - p[[i, k + 1]]
        });
        let mut g = weighted_cross(self.z, residual.view(), self.w);
        for i in 1..q {
            let mean = theta.row(i).sum() / self.n_classes as f64;
            for k in 0..c {
                g[[i, k]] -= self.lambda * 2.0 * (theta[[i, k]] - mean);
            }
        }
        (0..c * q).map(|at| g[[at % q, at / q]]).collect()
    }

    /// Minus the second derivative, in blocks of classes.
    fn hessian(&self, p: &Array2<f64>) -> Array2<f64> {
        let (q, c) = (self.z.ncols(), self.n_classes - 1);
        let mut h = Array2::zeros((q * c, q * c));
        let mut w = vec![0.0; self.w.len()];
        for a in 0..c {
            for b in 0..=a {
                let same = f64::from(u8::from(a == b));
                for (i, w) in w.iter_mut().enumerate() {
                    *w = self.w[i] * p[[i, a + 1]] * (same - p[[i, b + 1]]);
                }
                let mut block = weighted_gram(self.z, &w);
                let ridge = self.lambda * 2.0 * (same - 1.0 / self.n_classes as f64);
                block.diag_mut().iter_mut().skip(1).for_each(|d| *d += ridge);
                h.slice_mut(s![a * q..(a + 1) * q, b * q..(b + 1) * q])
                    .assign(&block);
                h.slice_mut(s![b * q..(b + 1) * q, a * q..(a + 1) * q])
                    .assign(&block.t());
            }
        }
        h
    }
}
