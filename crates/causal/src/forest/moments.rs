//! The local moments: a leaf's averages, the effect they solve for, and each tree's influence on it.
//!
//! A leaf holds averages over its estimation rows of `w, w y, w d_a, w y d_a, w d_a d_b (b <= a)`, in this order. The
//! weights alpha_i(x) of the forest are the mean over trees of one over the leaf's rows, so averages of leaves are the
//! weighted sums that the estimating equation `sum alpha_i w (1, d)(y − mu − d'tau) = 0` needs.

/// Numbers of one leaf for K treatments.
pub(super) fn stride(k: usize) -> usize {
    2 + 2 * k + k * (k + 1) / 2
}

/// Adds a row's terms to its leaf's sums.
pub(super) fn add_row(sums: &mut [f64], w: f64, y: f64, d: &[f64]) {
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
    pub(super) mu: f64,
    /// K × K inverse of E[d d'] − E[d] E[d]'.
    inverse: Vec<f64>,
    work: Vec<f64>,
    /// One tree's influence on each number estimated.
    pub(super) influence: Vec<f64>,
    /// Influences of a bag's trees, added up.
    pub(super) bag: Vec<f64>,
}

impl Local {
    pub(super) fn new(k: usize) -> Self {
        Local {
            k,
            sums: vec![0.0; stride(k)],
            tau: vec![0.0; k],
            mu: 0.0,
            inverse: vec![0.0; k * k],
            work: vec![0.0; 2 * k * k],
            influence: vec![0.0; k.max(1)],
            bag: vec![0.0; k.max(1)],
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

    /// A leaf's influence, `V^-1 (psi_d − E[d] psi_0)` at the solution (psi_0 alone without treatments), in
    /// `self.influence`. The scale is that of averages over trees divided by their weight.
    #[inline(always)]
    pub(super) fn influence_of(&mut self, leaf: &[f64]) {
        let k = self.k;
        let mut psi = leaf[1] - leaf[0] * self.mu;
        for a in 0..k {
            psi -= leaf[2 + a] * self.tau[a];
        }
        if k == 0 {
            self.influence[0] = psi;
            return;
        }
        if k == 1 {
            let psi_d = leaf[3] - leaf[4] * self.tau[0] - leaf[2] * self.mu;
            self.influence[0] = self.inverse[0] * (psi_d - self.sums[2] * psi);
            return;
        }
        for a in 0..k {
            let mut psi_a = leaf[2 + k + a] - leaf[2 + a] * self.mu - self.sums[2 + a] * psi;
            for b in 0..k {
                let (hi, lo) = (a.max(b), a.min(b));
                psi_a -= leaf[2 + 2 * k + hi * (hi + 1) / 2 + lo] * self.tau[b];
            }
            self.work[a] = psi_a;
        }
        for a in 0..k {
            let row = &self.inverse[a * k..(a + 1) * k];
            self.influence[a] = row.iter().zip(&self.work).map(|(i, p)| i * p).sum::<f64>();
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
        let mut local = solved(&rows);
        let mut sum = [0.0; 2];
        for (w, y, d) in rows {
            let mut leaf = vec![0.0; stride(2)];
            add_row(&mut leaf, w, y, d);
            local.influence_of(&leaf);
            (0..2).for_each(|a| sum[a] += local.influence[a]);
        }
        assert!(sum.iter().all(|i| i.abs() < 1e-12), "{sum:?}");
    }

    #[test]
    fn no_variation_is_no_answer() {
        let mut local = Local::new(1);
        add_row(&mut local.sums, 1.0, 3.0, &[1.0]);
        assert!(!local.solve());
    }
}
