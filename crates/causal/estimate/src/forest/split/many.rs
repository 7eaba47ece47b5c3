//! Several treatments, the arms of one decision: the same splits for a vector of effects.

use ceteris_stats::linalg::Cholesky;
use ndarray::Array2;

use super::{Criterion, rows_asked};
use crate::forest::ForestParams;
use crate::forest::sample::TrainingRows;

/// Relative pivot below which an arm does not vary in a node beside the others.
const ALIAS_TOLERANCE: f64 = 1e-10;

/// Pseudo-outcomes `rho = A^-1 z ((y − y_bar) − z'tau)`, A = sum w z z'; an arm gains `(A_aa sum rho_a)^2` over its
/// variation on a side, and the gain adds over arms. Each arm keeps the counts and the variation that [`super::One`] keeps
/// for its only one, and gains the same where it is alone.
pub(in crate::forest) struct Many {
    k: usize,
    /// For each arm the rows asked of a side below its mean, and at or above it.
    asked: Vec<[f64; 2]>,
    alpha: f64,
    penalty: f64,
    y: Vec<f64>,
    d: Vec<f64>,
    w: Vec<f64>,
    /// A row's w rho, w z, w z^2 and whether z is low, for each arm; then w.
    terms: Vec<f64>,
    total: Vec<f64>,
    rows: usize,
    left: Vec<f64>,
    left_rows: usize,
}

impl Many {
    fn stride(&self) -> usize {
        4 * self.k + 1
    }
}

impl Criterion for Many {
    fn new(sample: &TrainingRows, params: &ForestParams) -> Self {
        let stride = 4 * sample.k + 1;
        Many {
            k: sample.k,
            asked: (0..sample.k)
                .map(|a| {
                    let d = sample.d.iter().skip(a).step_by(sample.k).copied();
                    rows_asked(params.min_node, d).map(|rows| rows as f64)
                })
                .collect(),
            alpha: params.alpha,
            penalty: params.imbalance_penalty,
            y: Vec::new(),
            d: Vec::new(),
            w: Vec::new(),
            terms: Vec::new(),
            total: vec![0.0; stride],
            rows: 0,
            left: vec![0.0; stride],
            left_rows: 0,
        }
    }

    fn rows_min(&self) -> usize {
        let most = self
            .asked
            .iter()
            .map(|[low, high]| low + high)
            .fold(0.0, f64::max);
        2 * most as usize
    }

    fn load(&mut self, sample: &TrainingRows, rows: &[u32]) {
        for (held, all) in [(&mut self.y, &sample.y), (&mut self.w, &sample.w)] {
            held.clear();
            held.extend(rows.iter().map(|&i| all[i as usize]));
        }
        self.d.clear();
        for &i in rows {
            self.d
                .extend_from_slice(&sample.d[i as usize * self.k..(i as usize + 1) * self.k]);
        }
        self.terms.resize(rows.len() * self.stride(), 0.0);
    }

    fn relabel(&mut self, node: &[u32]) -> bool {
        let k = self.k;
        let (mut w, mut y_bar, mut d_bar) = (0.0, 0.0, vec![0.0; k]);
        for &i in node {
            let i = i as usize;
            w += self.w[i];
            y_bar += self.w[i] * self.y[i];
            for a in 0..k {
                d_bar[a] += self.w[i] * self.d[i * k + a];
            }
        }
        y_bar /= w;
        d_bar.iter_mut().for_each(|d| *d /= w);
        let mut gram = Array2::zeros((k, k));
        let mut cross = vec![0.0; k];
        let mut z = vec![0.0; k];
        for &i in node {
            let i = i as usize;
            for a in 0..k {
                z[a] = self.d[i * k + a] - d_bar[a];
                cross[a] += self.w[i] * z[a] * (self.y[i] - y_bar);
                for b in 0..=a {
                    gram[[a, b]] += self.w[i] * z[a] * z[b];
                }
            }
        }
        for a in 0..k {
            for b in 0..a {
                gram[[b, a]] = gram[[a, b]];
            }
        }
        let chol = Cholesky::new(&gram, ALIAS_TOLERANCE);
        if chol.rank() < k {
            return false;
        }
        let tau = chol.solve(&cross);
        let stride = self.stride();
        self.total.iter_mut().for_each(|t| *t = 0.0);
        for &i in node {
            let i = i as usize;
            let mut residual = self.y[i] - y_bar;
            for a in 0..k {
                z[a] = self.d[i * k + a] - d_bar[a];
                residual -= z[a] * tau[a];
            }
            let rho = chol.solve(&z);
            let w = self.w[i];
            let terms = &mut self.terms[i * stride..(i + 1) * stride];
            for a in 0..k {
                let low = f64::from(u8::from(z[a] < 0.0));
                terms[4 * a..4 * a + 4].copy_from_slice(&[
                    w * rho[a] * residual,
                    w * z[a],
                    w * z[a] * z[a],
                    low,
                ]);
            }
            terms[4 * k] = w;
            self.total.iter_mut().zip(terms).for_each(|(s, t)| *s += *t);
        }
        self.rows = node.len();
        let rows = self.rows as f64;
        self.asked.iter().enumerate().all(|(a, [low_min, high_min])| {
            let low = self.total[4 * a + 3];
            low >= 2.0 * low_min && rows - low >= 2.0 * high_min
        })
    }

    fn start(&mut self) {
        self.left.iter_mut().for_each(|l| *l = 0.0);
        self.left_rows = 0;
    }

    fn add(&mut self, row: usize) {
        let stride = self.stride();
        let terms = &self.terms[row * stride..(row + 1) * stride];
        self.left.iter_mut().zip(terms).for_each(|(s, t)| *s += t);
        self.left_rows += 1;
    }

    fn gain(&self) -> f64 {
        let (left_rows, right_rows) = (self.left_rows as f64, (self.rows - self.left_rows) as f64);
        let low = |a: usize| (self.left[4 * a + 3], self.total[4 * a + 3] - self.left[4 * a + 3]);
        let thin = |a: usize| {
            let ((l, r), [low_min, high_min]) = (low(a), self.asked[a]);
            l.min(r) < low_min || (left_rows - l).min(right_rows - r) < high_min
        };
        if (0..self.k).any(thin) {
            return f64::NEG_INFINITY;
        }
        let (w, l_w) = (self.total[4 * self.k], self.left[4 * self.k]);
        let (l_inv, r_inv) = (1.0 / l_w, 1.0 / (w - l_w));
        let mut gain = 0.0;
        for a in 0..self.k {
            let [l_rho, l_z, l_zz] = [0, 1, 2].map(|t| self.left[4 * a + t]);
            let [r_rho, r_z, r_zz] = [0, 1, 2].map(|t| self.total[4 * a + t] - self.left[4 * a + t]);
            let (l_var, r_var) = (l_zz - l_z * l_z * l_inv, r_zz - r_z * r_z * r_inv);
            if l_var.min(r_var) < self.alpha * self.total[4 * a + 2] {
                return f64::NEG_INFINITY;
            }
            let all = self.total[4 * a + 2];
            gain += all * all * (l_rho * l_rho / l_var + r_rho * r_rho / r_var);
            if self.penalty > 0.0 {
                gain -= self.penalty * (1.0 / l_var + 1.0 / r_var);
            }
        }
        gain
    }
}
