//! Weighted standardisation of basis columns, so that penalties and pivots do not depend on units.

use ndarray::{Array2, ArrayView2, Axis};

use crate::linalg::weighted_cross;

/// Standardised training data of one fit.
pub(crate) struct Standardised {
    pub(crate) z: Array2<f64>,
    pub(crate) y: Array2<f64>,
    pub(crate) z_mean: Vec<f64>,
    pub(crate) z_scale: Vec<f64>,
    pub(crate) y_mean: Vec<f64>,
}

/// Centres and scales the columns of `z` in place with weights of mean one; constant columns become zero.
pub(crate) fn standardise_columns(z: &mut Array2<f64>, w: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let n = z.nrows() as f64;
    let ones = Array2::ones((z.nrows(), 1));
    let mean: Vec<f64> = weighted_cross(z.view(), ones.view(), w)
        .column(0)
        .iter()
        .map(|s| s / n)
        .collect();
    let mut square = vec![0.0; z.ncols()];
    for (mut row, w) in z.outer_iter_mut().zip(w) {
        for ((v, m), s) in row.iter_mut().zip(&mean).zip(&mut square) {
            *v -= m;
            *s += w * *v * *v;
        }
    }
    let scale: Vec<f64> = square
        .iter()
        .map(|s| (s / n).sqrt())
        .zip(&mean)
        .map(|(s, m)| if s > 1e-12 * m.abs() { s } else { f64::INFINITY })
        .collect();
    for mut row in z.outer_iter_mut() {
        row.iter_mut().zip(&scale).for_each(|(v, s)| *v /= s);
    }
    (mean, scale)
}

/// Standardises the basis columns `z` and centres the targets `y` with weights of mean one.
pub(crate) fn standardise(mut z: Array2<f64>, y: ArrayView2<f64>, w: &[f64]) -> Standardised {
    let (z_mean, z_scale) = standardise_columns(&mut z, w);
    let n = y.nrows() as f64;
    let y_mean: Vec<f64> = y
        .axis_iter(Axis(1))
        .map(|c| c.iter().zip(w).map(|(y, w)| y * w).sum::<f64>() / n)
        .collect();
    let mut y = y.to_owned();
    for mut row in y.outer_iter_mut() {
        row.iter_mut().zip(&y_mean).for_each(|(v, m)| *v -= m);
    }
    Standardised {
        z,
        y,
        z_mean,
        z_scale,
        y_mean,
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn mean_zero_and_variance_one_under_the_weights() {
        let mut z = array![[1.0, 7.0], [3.0, 7.0], [3.0, 7.0]];
        let (mean, scale) = standardise_columns(&mut z, &[1.5, 0.75, 0.75]);
        assert_eq!(mean, [2.0, 7.0]);
        assert_eq!(scale, [1.0, f64::INFINITY]);
        assert_eq!(z, array![[-1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]);
    }
}
