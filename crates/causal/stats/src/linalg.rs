//! Weighted cross products in fixed row blocks, and a Cholesky factor that sets aliased columns aside.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis, linalg::general_mat_mul, s};

/// Rows of one block of a reduction. Fixed, so that sums have one order whatever the machine does.
pub const BLOCK_ROWS: usize = 1024;

/// `sum_i w_i z_i z_i'`, p × p, for `z` n × p.
pub fn weighted_gram(z: ArrayView2<f64>, w: &[f64]) -> Array2<f64> {
    weighted_cross(z, z, w)
}

/// `sum_i w_i a_i b_i'`, p × q, for `a` n × p and `b` n × q, added block by block in row order.
pub fn weighted_cross(a: ArrayView2<f64>, b: ArrayView2<f64>, w: &[f64]) -> Array2<f64> {
    let mut sum = Array2::zeros((a.ncols(), b.ncols()));
    for start in (0..a.nrows()).step_by(BLOCK_ROWS) {
        let end = (start + BLOCK_ROWS).min(a.nrows());
        let weights = ArrayView1::from(&w[start..end]).insert_axis(Axis(1));
        let scaled = &b.slice(s![start..end, ..]) * &weights;
        general_mat_mul(1.0, &a.slice(s![start..end, ..]).t(), &scaled, 1.0, &mut sum);
    }
    sum
}

/// `L L' = A` on the columns that are not aliased.
///
/// Columns are taken in order; one whose remaining pivot is at most `tolerance` times its diagonal is a linear
/// combination of earlier ones: it is set aside, and solutions are zero there.
#[derive(Clone, Debug)]
pub struct Cholesky {
    l: Array2<f64>,
    kept: Vec<bool>,
    least_pivot: f64,
}

impl Cholesky {
    /// Factors the symmetric positive semidefinite `a`, reading its lower triangle.
    pub fn new(a: &Array2<f64>, tolerance: f64) -> Self {
        let p = a.nrows();
        let mut l = Array2::<f64>::zeros((p, p));
        let mut kept = vec![false; p];
        let mut least_pivot = 1.0f64;
        for i in 0..p {
            for j in 0..=i {
                if j < i && !kept[j] {
                    continue;
                }
                let dot = l.slice(s![i, ..j]).dot(&l.slice(s![j, ..j]));
                let rest = a[[i, j]] - dot;
                if j < i {
                    l[[i, j]] = rest / l[[j, j]];
                } else if rest > tolerance * a[[i, i]] && rest > 0.0 {
                    kept[i] = true;
                    l[[i, i]] = rest.sqrt();
                    least_pivot = least_pivot.min(rest / a[[i, i]]);
                } else {
                    l.row_mut(i).fill(0.0);
                }
            }
        }
        Cholesky { l, kept, least_pivot }
    }

    /// The least pivot of the kept columns, relative to its diagonal: the share of a column that those before it leave.
    /// Its inverse is about the factor by which solving enlarges rounding.
    pub fn least_pivot(&self) -> f64 {
        self.least_pivot
    }

    /// Which columns are not aliased.
    pub fn kept(&self) -> &[bool] {
        &self.kept
    }

    /// Number of columns that are not aliased.
    pub fn rank(&self) -> usize {
        self.kept.iter().filter(|k| **k).count()
    }

    /// Solves `A x = b`; zero at aliased columns.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        let p = self.kept.len();
        let mut x = vec![0.0; p];
        for i in (0..p).filter(|&i| self.kept[i]) {
            let dot: f64 = (0..i).map(|k| self.l[[i, k]] * x[k]).sum();
            x[i] = (b[i] - dot) / self.l[[i, i]];
        }
        for i in (0..p).rev().filter(|&i| self.kept[i]) {
            let dot: f64 = (i + 1..p).map(|k| self.l[[k, i]] * x[k]).sum();
            x[i] = (x[i] - dot) / self.l[[i, i]];
        }
        x
    }

    /// `L^-1 b`: coordinates in which A is the identity; zero at aliased columns.
    pub fn whiten(&self, b: &[f64]) -> Vec<f64> {
        let mut x = vec![0.0; self.kept.len()];
        for i in (0..x.len()).filter(|&i| self.kept[i]) {
            let dot: f64 = (0..i).map(|k| self.l[[i, k]] * x[k]).sum();
            x[i] = (b[i] - dot) / self.l[[i, i]];
        }
        x
    }

    /// The inverse on the kept columns, zero elsewhere.
    pub fn inverse(&self) -> Array2<f64> {
        let p = self.kept.len();
        let mut inverse = Array2::zeros((p, p));
        let mut unit = vec![0.0; p];
        for j in (0..p).filter(|&j| self.kept[j]) {
            unit[j] = 1.0;
            for (i, v) in self.solve(&unit).into_iter().enumerate() {
                inverse[[i, j]] = v;
            }
            unit[j] = 0.0;
        }
        inverse
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    #[test]
    fn solves_by_hand() {
        let chol = Cholesky::new(&array![[4.0, 2.0], [2.0, 3.0]], 1e-12);
        let x = chol.solve(&[10.0, 9.0]);
        assert!((x[0] - 1.5).abs() < 1e-14 && (x[1] - 2.0).abs() < 1e-14);
        let inv = chol.inverse();
        assert!((inv[[0, 0]] - 0.375).abs() < 1e-14 && (inv[[0, 1]] + 0.25).abs() < 1e-14);
    }

    #[test]
    fn aliased_column_gets_no_coefficient() {
        let z = array![[1.0, 2.0, 0.0], [2.0, 4.0, 1.0], [3.0, 6.0, 5.0]];
        let chol = Cholesky::new(&weighted_gram(z.view(), &[1.0; 3]), 1e-11);
        assert_eq!(chol.kept(), [true, false, true]);
        assert_eq!(chol.solve(&[1.0, 2.0, 0.0])[1], 0.0);
    }

    #[test]
    fn blocks_add_up() {
        let z = Array2::from_shape_fn((2500, 3), |(i, j)| ((i * 7 + j * 3) % 11) as f64);
        let w: Vec<f64> = (0..2500).map(|i| (i % 5) as f64).collect();
        let gram = weighted_gram(z.view(), &w);
        let direct: f64 = (0..2500).map(|i| w[i] * z[[i, 0]] * z[[i, 2]]).sum();
        assert_eq!(gram[[0, 2]], direct);
    }
}
