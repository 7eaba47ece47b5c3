//! The rows of the table: a process, a sample size, a method and its learners.

use ceteris_causal::diagnose::doubt::{Doubt, EXTREME_PROPENSITY, doubts};
use ceteris_causal::diagnose::overlap::overlap;
use ceteris_causal::dml::{
    DmlParams, Estimand, PropensitySource, Rows, interactive, partially_linear, partially_linear_instrument,
    unwatched,
};
use ceteris_causal::inference::{Clusters, Estimate};
use ceteris_causal::learner::{BasisParams, Classifier, Column, Design, Linear, Logistic, Regressor};
use ceteris_causal::sample::{Unit, hash};
use ceteris_causal::score::Scores;
use ceteris_synth::processes::Process;
use ndarray::Array2;

/// Salt of the replications' seeds.
const SEED_SALT: u64 = 0x636f_7665_7261;

/// What is estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Plr,
    Pliv,
    Ate,
    Overlap,
}

/// Which learners are fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learners {
    /// Least squares and maximum likelihood on the columns as they are.
    Lines,
    /// Ridge by generalised cross-validation on natural splines (means), L2-penalised likelihood on natural splines (propensities).
    Splines,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    pub process: Process,
    pub method: Method,
    pub learners: Learners,
    pub n: usize,
    pub p: usize,
}

/// One replication.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub estimate: f64,
    pub std_error: f64,
    pub covered: bool,
    pub flags: Vec<Doubt>,
}

const fn pair(process: Process, method: Method, n: usize, p: usize) -> [Cell; 2] {
    let lines = Cell {
        process,
        method,
        learners: Learners::Lines,
        n,
        p,
    };
    let splines = Cell {
        learners: Learners::Splines,
        ..lines
    };
    [lines, splines]
}

const PAIRS: [[Cell; 2]; 11] = [
    pair(Process::Plr, Method::Plr, 1000, 8),
    pair(Process::Pliv, Method::Pliv, 1000, 8),
    pair(Process::Clusters, Method::Plr, 1000, 5),
    pair(Process::Irm, Method::Ate, 1000, 5),
    pair(Process::Aw1, Method::Ate, 1000, 4),
    pair(Process::Aw2, Method::Ate, 1000, 4),
    pair(Process::Aw3, Method::Ate, 1000, 4),
    pair(Process::HeavyTails, Method::Plr, 1000, 5),
    pair(Process::FewClusters, Method::Plr, 400, 5),
    pair(Process::WeakOverlap, Method::Ate, 1000, 5),
    pair(Process::WeakOverlap, Method::Overlap, 1000, 5),
];

/// All rows, parametric and flexible side by side.
pub static CELLS: std::sync::LazyLock<Vec<Cell>> = std::sync::LazyLock::new(|| PAIRS.concat());

impl Cell {
    /// Listed before the runs: propensities in [.1, .9], four moments, at least 100 units.
    pub fn regular(&self) -> bool {
        !matches!(
            self.process,
            Process::HeavyTails | Process::FewClusters | Process::WeakOverlap
        )
    }

    /// The flag that a stress row must raise where it does not cover.
    pub fn flag(&self) -> Option<Doubt> {
        match self.process {
            Process::HeavyTails => Some(Doubt::HeavyTail),
            Process::FewClusters => Some(Doubt::FewClusters),
            Process::WeakOverlap => Some(Doubt::Overlap),
            _ => None,
        }
    }

    pub fn name(&self) -> String {
        format!("{}/{:?}/{:?}", self.process.name(), self.method, self.learners).to_lowercase()
    }

    /// Replication `r`: the sample, the folds and the learners' draws follow from the row's name and `r` alone.
    pub fn replicate(&self, r: u64) -> Outcome {
        let seed = hash(r, self.name().as_bytes(), SEED_SALT);
        let draw = self.process.draw(self.n, self.p, seed);
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
        let params = DmlParams {
            seed,
            ..DmlParams::default()
        };
        let params = params.check().unwrap();
        let (g, m): (Box<dyn Regressor>, Box<dyn Classifier>) = match self.learners {
            Learners::Lines => (
                Box::new(Linear::ols(BasisParams::LINEAR)),
                Box::new(Logistic::logit(BasisParams::LINEAR)),
            ),
            Learners::Splines => (
                Box::new(Linear::ridge_gcv(BasisParams::spline(5))),
                Box::new(Logistic::logit_l2(BasisParams::spline(5), 1.0)),
            ),
        };
        let w = vec![1.0; self.n];
        let clusters = Clusters::by_unit(&units);
        let (y, d) = (&draw.y, &draw.d);
        let judge = |estimate: &Estimate, scores: &Scores, propensity: Option<&[f64]>| {
            let arms = propensity.map_or_else(Vec::new, |m| {
                let table =
                    Array2::from_shape_fn((self.n, 2), |(i, k)| if k == 1 { m[i] } else { 1.0 - m[i] });
                let had: Vec<usize> = d.iter().map(|d| *d as usize).collect();
                overlap(table.view(), &had, &w, EXTREME_PROPENSITY)
            });
            let [low, high] = estimate.ci(0.95);
            Outcome {
                estimate: estimate.estimate,
                std_error: estimate.std_error,
                covered: (low..=high).contains(&self.process.truth()),
                flags: doubts(estimate, scores, &w, &clusters, &arms),
            }
        };
        match self.method {
            Method::Plr => {
                let fit = partially_linear(&params, &rows, y, d, &*g, &*g, &unwatched).unwrap();
                judge(&fit.estimate, &fit.repeats[0].scores, None)
            }
            Method::Pliv => {
                let z = draw.z.as_ref().unwrap();
                let fit =
                    partially_linear_instrument(&params, &rows, y, d, z, &*g, &*g, &*g, &unwatched).unwrap();
                judge(&fit.estimate, &fit.repeats[0].scores, None)
            }
            Method::Ate | Method::Overlap => {
                let estimand = if self.method == Method::Ate {
                    Estimand::Ate
                } else {
                    Estimand::Overlap
                };
                let source = PropensitySource::Learned(&*m);
                let fit = interactive(&params, &rows, y, d, estimand, source, &*g, &unwatched).unwrap();
                let repeat = &fit.repeats[0];
                judge(&fit.estimate, &repeat.scores, Some(&repeat.nuisances.m))
            }
        }
    }
}
