//! Clipping of propensities: explicit, and counted.

use ndarray::Array2;
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
