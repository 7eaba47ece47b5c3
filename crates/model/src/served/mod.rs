//! A model as it is served: an artifact compiled against its problem into arrays a decision can walk through.
//!
//! [`Model::compile`] refuses every inconsistent artifact with the reason; what it lets through cannot fail at a
//! decision. Left out: the files (`artifact`), and which version is served.

mod compile;
mod evaluate;
mod fault;

use std::collections::BTreeMap;

use ceteris_contract::manifest::Manifest;
use ceteris_contract::record::ServedModel;

pub use evaluate::{Evaluation, Scratch};
pub use fault::ModelFault;

/// An artifact ready to serve. Immutable; decisions share it behind an `Arc`.
#[derive(Debug)]
pub struct Model {
    manifest: Manifest,
    served: ServedModel,
    features: Vec<Slot>,
    terms: Vec<Term>,
    /// One entry per arm and outcome.
    effects: Vec<ArmEffect>,
    /// Where an arm's effects stand in `effects`.
    by_arm: BTreeMap<String, Vec<usize>>,
    /// Reasons by treatment and outcome.
    not_served: BTreeMap<(String, String), String>,
}

/// One feature the model reads.
#[derive(Debug)]
struct Slot {
    /// Its place among the problem's decision views, which is its place among a decision's features.
    position: usize,
    support: Support,
}

/// What the training rows hold of a feature.
#[derive(Debug)]
enum Support {
    /// Numbers between these, both included; none where the manifest does not say.
    Range(Option<[f64; 2]>),
    /// These categories.
    Levels(Vec<String>),
}

/// One term of phi(x), its feature as an index into the slots.
#[derive(Debug)]
enum Term {
    Intercept,
    Standardised { slot: usize, center: f64, scale: f64 },
    Level { slot: usize, level: usize },
}

/// tau(x) = beta' phi(x) of one arm on one outcome, with the covariance of beta.
#[derive(Debug)]
struct ArmEffect {
    outcome: String,
    beta: Vec<f64>,
    /// q × q, row-major, symmetric.
    covariance: Vec<f64>,
}

impl Model {
    /// The artifact's manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The name and content under which decisions log it.
    pub fn served(&self) -> &ServedModel {
        &self.served
    }

    /// Places of the features it reads, among the problem's decision views.
    pub fn reads(&self) -> impl Iterator<Item = usize> + '_ {
        self.features.iter().map(|slot| slot.position)
    }

    /// True where the arm has an effect on the outcome.
    pub fn serves(&self, arm: &str, outcome: &str) -> bool {
        let places = self.by_arm.get(arm).map_or(&[][..], Vec::as_slice);
        places.iter().any(|&place| self.effects[place].outcome == outcome)
    }

    /// Why the treatment has no effect per unit on the outcome, where the manifest says so.
    pub fn not_served(&self, treatment: &str, outcome: &str) -> Option<&str> {
        // The map is read only for arms without an effect, so two short allocations cost nothing that matters.
        let key = (treatment.to_owned(), outcome.to_owned());
        self.not_served.get(&key).map(String::as_str)
    }
}
