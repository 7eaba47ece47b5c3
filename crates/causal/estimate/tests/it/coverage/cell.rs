//! The rows of the table: a process, a method, its learners and a sample size.

use ceteris_estimate::diagnose::doubt::Doubt;
use ceteris_stats::hash;
use ceteris_synth::processes::Process;

use super::class::Class;
use super::learners::Learners;
use super::method::Method;
use super::outcome::Outcome;

/// Salt of the replications' seeds.
const SEED_SALT: u64 = 0x636f_7665_7261;

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    pub process: Process,
    pub method: Method,
    pub learners: Learners,
    pub n: usize,
    pub p: usize,
}

/// Parametric and flexible side by side.
const PAIR: &[Learners] = &[Learners::Lines, Learners::Splines];
const WITH_TREES: &[Learners] = &[
    Learners::Lines,
    Learners::Splines,
    Learners::Forest,
    Learners::Boosting,
];

/// What stands together: process, method, learners, n, p.
const GROUPS: [(Process, Method, &[Learners], usize, usize); 18] = [
    (Process::Plr, Method::Plr, WITH_TREES, 1000, 8),
    (Process::Pliv, Method::Pliv, PAIR, 1000, 8),
    (Process::Clusters, Method::Plr, PAIR, 1000, 5),
    (Process::Irm, Method::Ate, WITH_TREES, 1000, 5),
    (Process::Aw1, Method::Ate, PAIR, 1000, 4),
    (Process::Aw2, Method::Ate, PAIR, 1000, 4),
    (Process::Aw3, Method::Ate, PAIR, 1000, 4),
    (Process::Iivm, Method::Late, PAIR, 1000, 5),
    (Process::FrontDoor, Method::FrontDoor, PAIR, 1000, 5),
    (Process::Treated, Method::Att, PAIR, 1000, 3),
    (Process::Treated, Method::Matching, &[Learners::None], 1000, 3),
    (Process::ThreeArms, Method::MultiArm, PAIR, 1000, 5),
    (Process::TwoWays, Method::TwoWays, PAIR, 2000, 3),
    (Process::Dose, Method::Dose, PAIR, 1000, 3),
    (Process::HeavyTails, Method::Plr, PAIR, 1000, 5),
    (Process::FewClusters, Method::Plr, PAIR, 400, 5),
    (Process::WeakOverlap, Method::Ate, PAIR, 1000, 5),
    (Process::WeakOverlap, Method::Overlap, PAIR, 1000, 5),
];

/// All rows.
pub static CELLS: std::sync::LazyLock<Vec<Cell>> = std::sync::LazyLock::new(|| {
    let rows = GROUPS.iter().flat_map(|&(process, method, learners, n, p)| {
        learners.iter().map(move |&learners| Cell {
            process,
            method,
            learners,
            n,
            p,
        })
    });
    rows.collect()
});

impl Cell {
    /// Listed before the runs, but for slow learners (see the head of the table). Regular: propensities in [.1, .9], four
    /// moments, at least 100 units.
    pub fn class(&self) -> Class {
        match (self.process, self.learners) {
            (Process::HeavyTails | Process::FewClusters | Process::WeakOverlap, _) => Class::Stress,
            (Process::Irm, Learners::Boosting) => Class::SlowLearner,
            _ => Class::Regular,
        }
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
        Outcome::of(self, &draw, seed)
    }
}
