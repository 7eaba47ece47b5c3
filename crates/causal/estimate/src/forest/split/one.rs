//! One treatment, binary or continuous: gradient-based splits of Athey, Tibshirani and Wager (2019), section 2.3.

use super::{Criterion, rows_asked};
use crate::forest::ForestParams;
use crate::forest::sample::TrainingRows;

/// Sums over rows: w rho, w, w z, w z^2, where z is the treatment less the node's mean.
type Sums = [f64; 4];

/// Pseudo-outcomes `rho = z ((y − y_bar) − tau z)` of one treatment, with tau the node's own slope. A side gains
/// `(sum w rho)^2` over its treatment variation: one gradient step in the side's own curvature, and what that takes off the
/// squared residuals. Over the side's weight, as in the paper, the same effect would seem smaller where few are treated.
///
/// A side keeps at least so many rows below the node's mean treatment, and at or above it, as [`rows_asked`] says, and
/// `alpha` of the node's treatment variation.
pub(in crate::forest) struct One {
    low_min: usize,
    high_min: usize,
    alpha: f64,
    penalty: f64,
    y: Vec<f64>,
    d: Vec<f64>,
    w: Vec<f64>,
    terms: Vec<Sums>,
    low: Vec<bool>,
    total: Sums,
    total_low: usize,
    total_rows: usize,
    variation_min: f64,
    left: Sums,
    left_low: usize,
    left_rows: usize,
}

impl Criterion for One {
    fn new(sample: &TrainingRows, params: &ForestParams) -> Self {
        let [low_min, high_min] = rows_asked(params.min_node, sample.d.iter().copied());
        One {
            low_min,
            high_min,
            alpha: params.alpha,
            penalty: params.imbalance_penalty,
            y: Vec::new(),
            d: Vec::new(),
            w: Vec::new(),
            terms: Vec::new(),
            low: Vec::new(),
            total: [0.0; 4],
            total_low: 0,
            total_rows: 0,
            variation_min: 0.0,
            left: [0.0; 4],
            left_low: 0,
            left_rows: 0,
        }
    }

    fn rows_min(&self) -> usize {
        2 * (self.low_min + self.high_min)
    }

    fn load(&mut self, sample: &TrainingRows, rows: &[u32]) {
        for (held, all) in [
            (&mut self.y, &sample.y),
            (&mut self.d, &sample.d),
            (&mut self.w, &sample.w),
        ] {
            held.clear();
            held.extend(rows.iter().map(|&i| all[i as usize]));
        }
        self.terms.resize(rows.len(), [0.0; 4]);
        self.low.resize(rows.len(), false);
    }

    fn relabel(&mut self, node: &[u32]) -> bool {
        let (mut w, mut wy, mut wd) = (0.0, 0.0, 0.0);
        for &i in node {
            let i = i as usize;
            w += self.w[i];
            wy += self.w[i] * self.y[i];
            wd += self.w[i] * self.d[i];
        }
        let (y_bar, d_bar) = (wy / w, wd / w);
        let (mut zz, mut zy) = (0.0, 0.0);
        for &i in node {
            let i = i as usize;
            let z = self.d[i] - d_bar;
            zz += self.w[i] * z * z;
            zy += self.w[i] * z * (self.y[i] - y_bar);
        }
        if zz.is_nan() || zz <= 0.0 {
            return false;
        }
        let tau = zy / zz;
        self.total = [0.0; 4];
        self.total_low = 0;
        self.total_rows = node.len();
        for &i in node {
            let i = i as usize;
            let (w, z) = (self.w[i], self.d[i] - d_bar);
            let rho = z * ((self.y[i] - y_bar) - tau * z);
            self.terms[i] = [w * rho, w, w * z, w * z * z];
            self.low[i] = z < 0.0;
            add(&mut self.total, &self.terms[i]);
            self.total_low += usize::from(z < 0.0);
        }
        self.variation_min = self.alpha * zz;
        let high = node.len() - self.total_low;
        self.total_low >= 2 * self.low_min && high >= 2 * self.high_min
    }

    fn start(&mut self) {
        self.left = [0.0; 4];
        self.left_low = 0;
        self.left_rows = 0;
    }

    #[inline(always)]
    fn add(&mut self, row: usize) {
        add(&mut self.left, &self.terms[row]);
        self.left_low += usize::from(self.low[row]);
        self.left_rows += 1;
    }

    #[inline(always)]
    fn gain(&self) -> f64 {
        let (left_low, left_high) = (self.left_low, self.left_rows - self.left_low);
        let right_low = self.total_low - left_low;
        let right_high = self.total_rows - self.left_rows - right_low;
        if left_low.min(right_low) < self.low_min || left_high.min(right_high) < self.high_min {
            return f64::NEG_INFINITY;
        }
        let [l_rho, l_w, l_z, l_zz] = self.left;
        let [rho, w, z, zz] = self.total;
        let (r_rho, r_w, r_z, r_zz) = (rho - l_rho, w - l_w, z - l_z, zz - l_zz);
        // One division for two reciprocals.
        let both = 1.0 / (l_w * r_w);
        let (l_inv, r_inv) = (both * r_w, both * l_w);
        let l_variation = l_zz - l_z * l_z * l_inv;
        let r_variation = r_zz - r_z * r_z * r_inv;
        if l_variation.min(r_variation) < self.variation_min {
            return f64::NEG_INFINITY;
        }
        let gain = (l_rho * l_rho * r_variation + r_rho * r_rho * l_variation) / (l_variation * r_variation);
        if self.penalty > 0.0 {
            gain - self.penalty * (1.0 / l_variation + 1.0 / r_variation)
        } else {
            gain
        }
    }
}

#[inline(always)]
fn add(sums: &mut Sums, terms: &Sums) {
    for (s, t) in sums.iter_mut().zip(terms) {
        *s += t;
    }
}
