//! The local moments: a leaf's averages, the effect they solve for, and each tree's influence on it.
//!
//! A leaf holds averages over its estimation rows of `w, w y, w d_a, w y d_a, w d_a d_b (b <= a)`, in this order. The
//! weights alpha_i(x) of the forest are the mean over trees of one over the leaf's rows, so averages of leaves are the
//! weighted sums that the estimating equation `sum alpha_i w (1, d)(y − mu − d'tau) = 0` needs.

use crate::Effect;

/// Numbers of one leaf for K treatments.
pub const fn stride(k: usize) -> usize {
    2 + 2 * k + k * (k + 1) / 2
}

/// Adds a row's terms to its leaf's sums: `w, w y, w d_a, w y d_a, w d_a d_b (b <= a)`.
#[inline]
pub fn add_row(sums: &mut [f64], w: f64, y: f64, d: &[f64]) {
    let k = d.len();
    sums[0] += w;
    sums[1] += w * y;
    let mut at = 2 + 2 * k;
    for (a, &da) in d.iter().enumerate() {
        sums[2 + a] += w * da;
        sums[2 + k + a] += w * y * da;
        for &db in &d[..=a] {
            sums[at] += w * da * db;
            at += 1;
        }
    }
}

/// The solution at one x, with what influences need. Sized once, used for every row.
#[derive(Clone, Debug)]
pub(super) struct Local {
    k: usize,
    /// Averages over the trees.
    pub(super) sums: Vec<f64>,
    /// tau, K numbers.
    pub(super) tau: Vec<f64>,
    /// The local intercept; for a forest of means, the mean.
    mu: f64,
    /// K × K inverse of E[d d'] − E[d] E[d]'.
    inverse: Vec<f64>,
    work: Vec<f64>,
}

impl Local {
    pub(super) fn new(k: usize) -> Self {
        Local {
            k,
            sums: vec![0.0; stride(k)],
            tau: vec![0.0; k],
            mu: 0.0,
            inverse: vec![0.0; k * k],
            work: vec![0.0; k * k],
        }
    }

    /// Solves for tau and mu from the sums over trees; false where the treatments do not vary.
    pub(super) fn solve(&mut self) -> bool {
        let k = self.k;
        let weight = self.sums[0];
        if weight.is_nan() || weight <= 0.0 {
            return false;
        }
        self.sums.iter_mut().for_each(|s| *s /= weight);
        let y = self.sums[1];
        if k == 1 {
            let [_, _, d, yd, dd] = self.sums[..] else {
                return false;
            };
            let variation = dd - d * d;
            if variation.is_nan() || variation <= 0.0 {
                return false;
            }
            self.inverse[0] = 1.0 / variation;
            self.tau[0] = (yd - y * d) / variation;
            self.mu = y - d * self.tau[0];
            return true;
        }
        let mut at = 2 + 2 * k;
        for a in 0..k {
            for b in 0..=a {
                let v = self.sums[at] - self.sums[2 + a] * self.sums[2 + b];
                self.work[a * k + b] = v;
                self.work[b * k + a] = v;
                at += 1;
            }
        }
        if !invert(&mut self.work, &mut self.inverse, k) {
            return false;
        }
        self.mu = y;
        for a in 0..k {
            let cross = |b: usize| self.sums[2 + k + b] - y * self.sums[2 + b];
            self.tau[a] = (0..k).map(|b| self.inverse[a * k + b] * cross(b)).sum();
        }
        for a in 0..k {
            self.mu -= self.sums[2 + a] * self.tau[a];
        }
        true
    }

    /// Writes what was solved for: the effects, or the mean.
    pub(super) fn estimates(&self, out: &mut [Effect]) {
        for (a, out) in out.iter_mut().enumerate() {
            out.tau = self.tau.get(a).copied().unwrap_or(self.mu);
        }
    }

    /// Writes, for each number estimated, the factors by which a leaf's numbers add up to its influence
    /// `V^-1 (psi_d − E[d] psi_0)` at the solution (psi_0 alone without treatments). The scale is that of averages over
    /// trees divided by their weight.
    pub(super) fn factors(&self, out: &mut [f64]) {
        let k = self.k;
        out.fill(0.0);
        if k == 0 {
            (out[0], out[1]) = (-self.mu, 1.0);
            return;
        }
        for (a, out) in out.chunks_exact_mut(stride(k)).enumerate() {
            for b in 0..k {
                let (v, mean) = (self.inverse[a * k + b], self.sums[2 + b]);
                out[0] += v * mean * self.mu;
                out[1] -= v * mean;
                out[2 + b] -= v * self.mu;
                out[2 + k + b] += v;
                for (j, tau) in self.tau.iter().enumerate() {
                    let (hi, lo) = (b.max(j), b.min(j));
                    out[2 + j] += v * mean * tau;
                    out[2 + 2 * k + hi * (hi + 1) / 2 + lo] -= v * tau;
                }
            }
        }
    }
}

/// Gauss–Jordan with pivots on the diagonal, enough for a covariance; false where it is singular.
fn invert(a: &mut [f64], inverse: &mut [f64], k: usize) -> bool {
    for i in 0..k {
        for j in 0..k {
            inverse[i * k + j] = f64::from(u8::from(i == j));
        }
    }
    let scale: f64 = (0..k).map(|i| a[i * k + i]).fold(0.0, f64::max);
    for i in 0..k {
        let pivot = a[i * k + i];
        if pivot.is_nan() || pivot <= 1e-12 * scale {
            return false;
        }
        for j in 0..k {
            a[i * k + j] /= pivot;
            inverse[i * k + j] /= pivot;
        }
        for r in (0..k).filter(|&r| r != i) {
            let factor = a[r * k + i];
            for j in 0..k {
                a[r * k + j] -= factor * a[i * k + j];
                inverse[r * k + j] -= factor * inverse[i * k + j];
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn solved(rows: &[(f64, f64, &[f64])]) -> Local {
        let mut local = Local::new(rows[0].2.len());
        for (w, y, d) in rows {
            add_row(&mut local.sums, *w, *y, d);
        }
        assert!(local.solve());
        local
    }

    #[test]
    fn one_treatment_is_the_weighted_slope() {
        // y = 1 + 2 d exactly.
        let local = solved(&[(1.0, 1.0, &[0.0]), (2.0, 3.0, &[1.0]), (1.0, 7.0, &[3.0])]);
        assert!((local.tau[0] - 2.0).abs() < 1e-12 && (local.mu - 1.0).abs() < 1e-12);
    }

    #[test]
    fn two_treatments_are_the_plane() {
        let local = solved(&[
            (1.0, 1.0, &[0.0, 0.0]),
            (2.0, 3.0, &[1.0, 0.0]),
            (1.0, -2.0, &[0.0, 1.0]),
            (0.5, 0.0, &[1.0, 1.0]),
        ]);
        assert!((local.tau[0] - 2.0).abs() < 1e-12 && (local.tau[1] + 3.0).abs() < 1e-12);
        assert!((local.mu - 1.0).abs() < 1e-12);
    }

    #[test]
    fn influences_sum_to_zero() {
        let rows: [(f64, f64, &[f64]); 4] = [
            (1.0, 1.0, &[0.0, 0.5]),
            (2.0, 4.0, &[1.0, 0.0]),
            (1.0, -2.0, &[0.0, 1.0]),
            (0.5, 0.0, &[1.0, 1.0]),
        ];
        let local = solved(&rows);
        let (mut factors, mut sum) = (vec![0.0; 2 * stride(2)], [0.0; 2]);
        local.factors(&mut factors);
        for (w, y, d) in rows {
            let mut leaf = vec![0.0; stride(2)];
            add_row(&mut leaf, w, y, d);
            for (sum, factors) in sum.iter_mut().zip(factors.chunks(stride(2))) {
                *sum += factors.iter().zip(&leaf).map(|(f, l)| f * l).sum::<f64>();
            }
        }
        assert!(sum.iter().all(|i| i.abs() < 1e-12), "{sum:?}");
    }

    #[test]
    fn one_row_pulls_as_its_residual_does() {
        let rows: [(f64, f64, &[f64]); 3] = [(1.0, 1.0, &[0.0]), (1.0, 3.0, &[1.0]), (1.0, 8.0, &[2.0])];
        let local = solved(&rows);
        // The slope is 3.5 and the mean dose 1, with variance 2/3: the last row's residual is .5.
        let (mut factors, mut leaf) = ([0.0; 5], [0.0; 5]);
        local.factors(&mut factors);
        add_row(&mut leaf, 1.0, 8.0, &[2.0]);
        let influence: f64 = factors.iter().zip(leaf).map(|(f, l)| f * l).sum();
        assert!((influence - 0.5 * 1.0 / (2.0 / 3.0)).abs() < 1e-12, "{influence}");
    }

    #[test]
    fn no_variation_is_no_answer() {
        let mut local = Local::new(1);
        add_row(&mut local.sums, 1.0, 3.0, &[1.0]);
        assert!(!local.solve());
    }
}
