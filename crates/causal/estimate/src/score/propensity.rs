//! Clipping and trimming by propensity: explicit, and counted.

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

/// How many propensities were raised to the threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClipReport {
    /// The threshold.
    pub clip: f64,
    /// Rows that had at least one arm below it.
    pub rows: usize,
    /// Rows below it, for each arm.
    pub per_arm: Vec<usize>,
    /// `rows` over the number of rows.
    pub share: f64,
}

/// Raises every propensity below `clip` to it, in place; `m` is n × K.
///
/// With two arms this is the usual clipping to `[clip, 1 - clip]` as far as scores can see, for they divide by the
/// arm's own propensity only.
pub fn clip_propensities(m: &mut Array2<f64>, clip: f64) -> ClipReport {
    let mut per_arm = vec![0; m.ncols()];
    let mut rows = 0;
    for mut row in m.outer_iter_mut() {
        let mut touched = false;
        for (arm, p) in row.iter_mut().enumerate() {
            if *p < clip {
                *p = clip;
                per_arm[arm] += 1;
                touched = true;
            }
        }
        rows += usize::from(touched);
    }
    ClipReport {
        clip,
        rows,
        per_arm,
        share: rows as f64 / m.nrows().max(1) as f64,
    }
}

/// The treated arm's propensity of two clipped arms: where clipping raised the untreated one, its complement.
pub fn treated_propensity(m: ArrayView2<f64>) -> Vec<f64> {
    m.outer_iter()
        .map(|row| {
            let (untreated, treated) = (row[0], row[1]);
            if treated + untreated > 1.0 && treated > untreated {
                1.0 - untreated
            } else {
                treated
            }
        })
        .collect()
}

/// How many rows trimming left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrimReport {
    /// The threshold.
    pub trim: f64,
    /// Rows left out.
    pub rows: usize,
    /// Weighted share left out.
    pub share: f64,
}

/// Sets the weight of every row to zero whose least propensity is below `threshold`; `least` has one value a row, from
/// before clipping. What is estimated is then the effect over the rows that remain.
///
/// Source: Crump, Hotz, Imbens and Mitnik (2009).
pub fn trim(w: &mut [f64], least: &[f64], threshold: f64) -> TrimReport {
    let total: f64 = w.iter().sum();
    let (mut rows, mut lost) = (0, 0.0);
    for (w, p) in w.iter_mut().zip(least) {
        if *p < threshold {
            rows += 1;
            lost += *w;
            *w = 0.0;
        }
    }
    TrimReport {
        trim: threshold,
        rows,
        share: if total > 0.0 { lost / total } else { 0.0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trimmed_rows_weigh_nothing_and_are_counted() {
        let mut w = [1.0, 2.0, 1.0];
        let report = trim(&mut w, &[0.2, 0.05, 0.1], 0.1);
        assert_eq!(w, [1.0, 0.0, 1.0]);
        assert_eq!((report.rows, report.share), (1, 0.5));
    }
}
