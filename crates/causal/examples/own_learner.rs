//! A nuisance learner of one's own: the mean of the nearest rows. Any learner that can fit and predict will do; scores and
//! standard errors do not depend on which it is.
#![allow(clippy::print_stdout, reason = "an example prints")]

use ceteris_causal::effect::Column;
use ceteris_causal::estimate::dml::{DmlParams, PartiallyLinearLearners, partially_linear};
use ceteris_causal::estimate::learner::{Design, FittedRegressor, LearnerError, LearnerFlag, Regressor};
use ceteris_causal::estimate::{Sample, unwatched};
use ceteris_causal::stats::{Unit, uniform};
use ndarray::{Array2, ArrayView2};

/// Predicts the mean of the `k` rows that are nearest in the first covariate.
struct Neighbours {
    k: usize,
}

/// The training rows, by rising covariate.
struct FittedNeighbours {
    k: usize,
    rows: Vec<(f64, Vec<f64>)>,
}

impl Regressor for Neighbours {
    fn name(&self) -> &'static str {
        "neighbours"
    }

    fn fit(
        &self,
        x: &Design,
        y: ArrayView2<f64>,
        _w: &[f64],
        _seed: u64,
    ) -> Result<Box<dyn FittedRegressor>, LearnerError> {
        let mut rows: Vec<(f64, Vec<f64>)> = (0..x.n()).map(|i| (x.row(i)[0], y.row(i).to_vec())).collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        Ok(Box::new(FittedNeighbours { k: self.k, rows }))
    }
}

impl FittedRegressor for FittedNeighbours {
    fn predict(&self, x: &Design) -> Result<Array2<f64>, LearnerError> {
        let targets = self.rows.first().map_or(0, |(_, y)| y.len());
        let mut out = Array2::zeros((x.n(), targets));
        for i in 0..x.n() {
            let at = self.rows.partition_point(|(x0, _)| *x0 < x.row(i)[0]);
            let first = at
                .saturating_sub(self.k / 2)
                .min(self.rows.len().saturating_sub(self.k));
            let near = &self.rows[first..(first + self.k).min(self.rows.len())];
            for target in 0..targets {
                let sum: f64 = near.iter().map(|(_, y)| y[target]).sum();
                out[[i, target]] = sum / near.len() as f64;
            }
        }
        Ok(out)
    }

    fn flags(&self) -> &[LearnerFlag] {
        &[]
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let draw = |row: usize, what: u64| uniform(3, &(row as u64).to_le_bytes(), what);
    let x: Vec<f64> = (0..3000).map(|i| 6.0 * draw(i, 0)).collect();
    let d: Vec<f64> = (0..3000).map(|i| x[i].sin() + draw(i, 1)).collect();
    let y: Vec<f64> = (0..3000)
        .map(|i| 1.5 * d[i] + 3.0 * x[i].cos() + draw(i, 2))
        .collect();

    let x = Design::from_columns(vec![(Column::numeric("x"), x)])?;
    let unit = Unit::one_per_row(3000);
    let sample = Sample {
        y: &y[..],
        d: &d[..],
        z: None,
        x: &x,
        weight: None,
        unit: &unit,
        cluster: None,
    };
    let near = Neighbours { k: 40 };
    let learners = PartiallyLinearLearners { l: &near, m: &near };
    let fit = partially_linear(&DmlParams::default().check()?, &sample, learners, &unwatched)?;
    let [low, high] = fit.estimate.ci(0.95);
    println!(
        "effect of one unit more {:.3}, 95 % interval [{low:.3}, {high:.3}]; the truth is 1.5",
        fit.estimate.estimate
    );
    Ok(())
}
