//! Weighted moments of basis terms and targets, taken block by block: the terms of a whole table never stand in memory.

use ceteris_stats::linalg::{BLOCK_ROWS, weighted_gram};
use ndarray::{Array2, ArrayView2, s};

use super::standardise::{Scales, means, scale_of};
use crate::learner::{Design, FittedBasis, LearnerError};

/// All that a least-squares fit, penalised or not, needs of its rows: sums of products of standardised terms z (p of
/// them) and centred targets y (m of them) under weights of mean one.
pub(super) struct Moments {
    /// Number of rows.
    pub(super) n: usize,
    /// `sum_i w_i z_i z_i'`, p × p.
    pub(super) gram: Array2<f64>,
    /// `sum_i w_i z_i y_i'`, p × m.
    pub(super) cross: Array2<f64>,
    /// `sum_i w_i y_ij^2`, m numbers.
    pub(super) squares: Vec<f64>,
    /// What was centred and scaled by.
    pub(super) scales: Scales,
}

impl Moments {
    /// Takes the moments of `(1, z, y)` about the means of the first block, then moves them to those of all rows, which the
    /// basis ([`crate::learner::BasisParams::fit_but_means`]) learns too.
    pub(super) fn of(
        basis: &mut FittedBasis,
        x: &Design,
        y: ArrayView2<f64>,
        w: &[f64],
    ) -> Result<Self, LearnerError> {
        let (n, p, m) = (x.n(), basis.width(), y.ncols());
        let mut sums = Array2::<f64>::zeros((1 + p + m, 1 + p + m));
        let mut about = vec![0.0; 1 + p + m];
        let mut block = Array2::ones((BLOCK_ROWS.min(n), 1 + p + m));
        for start in (0..n).step_by(BLOCK_ROWS) {
            let end = (start + BLOCK_ROWS).min(n);
            let mut rows = block.slice_mut(s![..end - start, ..]);
            basis.expand_into(x, start..end, rows.slice_mut(s![.., 1..=p]))?;
            rows.slice_mut(s![.., 1 + p..])
                .assign(&y.slice(s![start..end, ..]));
            let w = &w[start..end];
            if start == 0 {
                about[1..].copy_from_slice(&means(rows.slice(s![.., 1..]), w));
            }
            for mut row in rows.outer_iter_mut() {
                row.iter_mut().zip(&about).for_each(|(v, c)| *v -= c);
            }
            sums += &weighted_gram(rows.view(), w);
        }
        let moments = Moments::about_means(n, &sums, &about, p);
        basis.set_means(&moments.scales.z_mean);
        Ok(moments)
    }

    /// The cross products of one target, p numbers.
    pub(super) fn cross_of(&self, target: usize) -> Vec<f64> {
        self.cross.column(target).to_vec()
    }

    /// `sums` are of `(1, z, y)` less `about`.
    fn about_means(n: usize, sums: &Array2<f64>, about: &[f64], p: usize) -> Self {
        let total = sums[[0, 0]];
        let centred = |i: usize, j: usize| sums[[i, j]] - sums[[0, i]] * sums[[0, j]] / total;
        let mean = |i: usize| about[i] + sums[[0, i]] / total;
        let (terms, targets) = (1..=p, 1 + p..about.len());
        let z_scale: Vec<f64> = terms
            .clone()
            .map(|i| scale_of(centred(i, i) / total, mean(i)))
            .collect();
        Moments {
            n,
            gram: Array2::from_shape_fn((p, p), |(i, j)| centred(1 + i, 1 + j) / (z_scale[i] * z_scale[j])),
            cross: Array2::from_shape_fn((p, targets.len()), |(i, j)| {
                centred(1 + i, 1 + p + j) / z_scale[i]
            }),
            squares: targets.clone().map(|j| centred(j, j).max(0.0)).collect(),
            scales: Scales {
                z_mean: terms.map(mean).collect(),
                y_mean: targets.map(mean).collect(),
                z_scale,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use ceteris_effect::Column;
    use ceteris_stats::linalg::weighted_cross;
    use ndarray::Array2;

    use super::super::standardise::standardise;
    use super::*;
    use crate::learner::BasisParams;

    #[test]
    fn those_of_the_standardised_terms_however_far_from_zero() {
        // Three blocks; a column far from zero, and a constant one.
        let n = 2_500;
        let at = |i: usize, k: usize| ((i * 7919 + k * 104_729) % 1009) as f64;
        let columns = ["a", "b", "c"].map(Column::numeric).to_vec();
        let cell = |(i, j)| [1e7 + at(i, 0), at(i, 1).powi(2), 0.1][j];
        let x = Design::new(Array2::from_shape_fn((n, 3), cell), columns).unwrap();
        let y = Array2::from_shape_fn((n, 2), |(i, j)| at(i, 2 + j) - at(i, 0));
        let raw: Vec<f64> = (0..n).map(|i| at(i, 5) % 3.0).collect();
        let mean = raw.iter().sum::<f64>() / n as f64;
        let w: Vec<f64> = raw.iter().map(|w| w / mean).collect();

        let mut basis = BasisParams::LINEAR.fit_but_means(&x, &w).unwrap();
        let found = Moments::of(&mut basis, &x, y.view(), &w).unwrap();
        let data = standardise(basis.expand(&x).unwrap(), y.view(), &w);
        let near = |a: &Array2<f64>, b: Array2<f64>| {
            assert!((a - &b).iter().all(|d| d.abs() < 1e-9 * n as f64), "{a} {b}");
        };
        near(&found.gram, weighted_gram(data.z.view(), &w));
        near(
            &(&found.cross / 1e3),
            weighted_cross(data.z.view(), data.y.view(), &w) / 1e3,
        );
        assert!((found.scales.z_mean[0] / data.scales.z_mean[0] - 1.0).abs() < 1e-12);
        assert!((found.scales.z_scale[0] / data.scales.z_scale[0] - 1.0).abs() < 1e-10);
        assert_eq!(found.scales.z_scale[2], f64::INFINITY);
        let squares: f64 = data.y.column(1).iter().zip(&w).map(|(y, w)| w * y * y).sum();
        assert!((found.squares[1] / squares - 1.0).abs() < 1e-12);
    }
}
