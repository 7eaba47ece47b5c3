//! Overlap: whether every arm could have happened to every kind of unit.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

/// Overlap of one arm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmOverlap {
    /// Rows that had the arm.
    pub rows: usize,
    /// Weighted mean propensity of the arm over all rows.
    pub propensity_mean: f64,
    /// Least propensity of the arm over all rows.
    pub propensity_min: f64,
    /// Largest propensity of the arm over all rows.
    pub propensity_max: f64,
    /// Weighted share of all rows whose propensity of the arm is below the threshold.
    pub extreme_share: f64,
    /// Kish's effective number of the arm's rows under weights `w / m`: `(sum)^2 / sum of squares`.
    pub effective_rows: f64,
    /// Overlap coefficient with control: the mass that the covariates' distributions of the two arms share, from 0 (told
    /// apart for certain) to 1 (alike). For two arms it is 1 less their total variation distance.
    pub coefficient: f64,
}

/// Reports each arm's overlap from propensities `m` (n × K, after clipping or not), the arms had, and row weights.
/// A propensity below `threshold` counts as extreme.
pub fn overlap(m: ArrayView2<f64>, arms: &[usize], w: &[f64], threshold: f64) -> Vec<ArmOverlap> {
    (0..m.ncols())
        .map(|arm| of_arm(m, arms, w, threshold, arm))
        .collect()
}

fn of_arm(m: ArrayView2<f64>, arms: &[usize], w: &[f64], threshold: f64, arm: usize) -> ArmOverlap {
    let total: f64 = w.iter().sum();
    let p = m.column(arm);
    let (mut sum, mut squares, mut rows) = (0.0, 0.0, 0);
    for i in (0..arms.len()).filter(|&i| arms[i] == arm) {
        let v = w[i] / p[i];
        sum += v;
        squares += v * v;
        rows += 1;
    }
    let weighted = |f: &dyn Fn(f64) -> f64| p.iter().zip(w).map(|(p, w)| f(*p) * w).sum::<f64>() / total;
    let control = m.column(0);
    let mean = weighted(&|p| p);
    let control_mean = control.iter().zip(w).map(|(p, w)| p * w).sum::<f64>() / total;
    // The density of x among arm a is m_a(x) / P(a) times that of x.
    let shared = |(a, (c, w)): (&f64, (&f64, &f64))| (a / mean).min(c / control_mean) * w;
    ArmOverlap {
        rows,
        propensity_mean: mean,
        propensity_min: p.iter().fold(f64::INFINITY, |a, b| a.min(*b)),
        propensity_max: p.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b)),
        extreme_share: weighted(&|p| f64::from(u8::from(p < threshold))),
        effective_rows: if squares > 0.0 { sum * sum / squares } else { 0.0 },
        coefficient: p.iter().zip(control.iter().zip(w)).map(shared).sum::<f64>() / total,
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn by_hand() {
        let m = array![[0.5, 0.5], [0.9, 0.1], [0.8, 0.2], [0.995, 0.005]];
        let report = overlap(m.view(), &[1, 1, 0, 0], &[1.0, 1.0, 1.0, 1.0], 0.01);
        // Weights 2 and 10: 144 / 104.
        assert!((report[1].effective_rows - 144.0 / 104.0).abs() < 1e-12);
        assert_eq!(
            (report[1].rows, report[1].propensity_min, report[1].extreme_share),
            (2, 0.005, 0.25)
        );
        assert_eq!(report[0].extreme_share, 0.0);
        // Shares of the arms .79875 and .20125: the smaller density in each row, averaged.
        let (p0, p1) = (0.79875, 0.20125);
        let shared = (0.5 / p0 + 0.1 / p1 + 0.2 / p1 + 0.005 / p1) / 4.0;
        assert!((report[1].coefficient - shared).abs() < 1e-12);
        assert!((report[0].coefficient - 1.0).abs() < 1e-12);
    }
}
