//! One replication: an estimate of a sample, whether its interval holds the truth, and its flags.

use ceteris_effect::Column;
use ceteris_estimate::diagnose::doubt::{Doubt, doubts};
use ceteris_estimate::learner::Design;
use ceteris_stats::Clusters;
use ceteris_stats::Unit;
use ceteris_synth::processes::Draw;

use super::cell::Cell;
use crate::common::Rows;

#[derive(Clone, Debug)]
pub struct Outcome {
    pub estimate: f64,
    pub std_error: f64,
    pub covered: bool,
    /// None where the estimator has no scores to tell them by.
    pub flags: Vec<Doubt>,
}

impl Outcome {
    pub fn of(cell: &Cell, draw: &Draw, seed: u64) -> Self {
        let columns = draw
            .x
            .iter()
            .enumerate()
            .map(|(j, v)| (Column::numeric(format!("x{j}")), v.clone()));
        let x = Design::from_columns(columns.collect()).unwrap();
        let units: Vec<Unit> = draw.unit.iter().map(|u| Unit::from(*u)).collect();
        let rows = Rows {
            x: &x,
            units: &units,
            weights: None,
        };
        let estimated = cell.method.estimate(&rows, draw, cell.learners, seed);
        let (estimate, w) = (&estimated.estimate, vec![1.0; draw.y.len()]);
        let [low, high] = estimate.ci(0.95);
        Outcome {
            estimate: estimate.estimate,
            std_error: estimate.std_error,
            covered: (low..=high).contains(&cell.process.truth()),
            flags: estimated.scores.map_or_else(Vec::new, |scores| {
                doubts(estimate, &scores, &w, &Clusters::by_unit(&units), &estimated.arms)
            }),
        }
    }
}
