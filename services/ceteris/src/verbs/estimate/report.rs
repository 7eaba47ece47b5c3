//! What `ceteris estimate` answers.

use ceteris_causal::diagnose::doubt::{Doubt, doubts};
use ceteris_causal::diagnose::e_value::e_value_of_difference;
use ceteris_causal::diagnose::overlap::ArmOverlap;
use ceteris_causal::inference::{Clusters, Estimate as Found};
use ceteris_causal::score::Scores;
use serde_json::{Map, Value, json};

use super::args::Estimate;
use super::data::Data;

/// Level of the interval.
pub(super) const LEVEL: f64 = 0.95;

/// A method's answer.
pub(super) struct Report {
    /// The estimate; none where every arm has its own.
    pub(super) found: Option<Found>,
    pub(super) estimand: String,
    sample: Sample,
    pub(super) nuisance: Value,
    pub(super) overlap: Value,
    pub(super) sensitivity: Value,
    pub(super) doubts: Vec<Doubt>,
    /// What this method alone tells, by its name in the document.
    pub(super) own: Map<String, Value>,
}

/// What an estimate rests on.
struct Sample {
    n: usize,
    clusters: usize,
    few_clusters: bool,
}

impl Report {
    pub(super) fn new(found: Found, estimand: impl Into<String>) -> Self {
        let report = Report::of_several(&found, estimand);
        Report {
            found: Some(found),
            ..report
        }
    }

    /// Of several estimates on the same rows, of which this is one.
    pub(super) fn of_several(one: &Found, estimand: impl Into<String>) -> Self {
        Report {
            found: None,
            estimand: estimand.into(),
            sample: Sample {
                n: one.n,
                clusters: one.clusters,
                few_clusters: one.few_clusters(),
            },
            nuisance: Value::Null,
            overlap: Value::Null,
            sensitivity: Value::Null,
            doubts: Vec::new(),
            own: Map::new(),
        }
    }

    /// Raises the flags of the estimate.
    pub(super) fn doubt(&mut self, scores: &Scores, w: &[f64], clusters: &Clusters, arms: &[ArmOverlap]) {
        if let Some(found) = &self.found {
            self.doubts = doubts(found, scores, w, clusters, arms);
        }
    }

    pub(super) fn document(self, args: &Estimate, data: &Data, identification: Value) -> Value {
        let found = self.found.as_ref();
        let mut document = json!({
            "estimate": found.map(|found| found.estimate),
            "std_error": found.map(|found| found.std_error),
            "ci": found.map(|found| found.ci(LEVEL)),
            "p_value": found.map(Found::p_value),
            "n": self.sample.n,
            "clusters": self.sample.clusters,
            "few_clusters": self.sample.few_clusters,
            "estimand": self.estimand,
            "method": args.method.name(),
            "nuisance": self.nuisance,
            "overlap": self.overlap,
            "sensitivity": self.sensitivity,
            "identification": identification,
            "flags": self.doubts,
            "missing": data.missing,
        });
        for (name, value) in self.own {
            document[name] = value;
        }
        if let Some(reason) = found.and_then(Found::no_error) {
            document["reason"] = json!(reason.to_string());
        }
        let spread = sd(&data.y);
        if let Some(found) = found
            && document["sensitivity"].is_object()
            && spread > 0.0
            && found.std_error.is_finite()
        {
            document["sensitivity"]["e_value"] = json!(e_value_of_difference(found, spread, LEVEL));
        }
        document
    }
}

fn sd(y: &[f64]) -> f64 {
    let n = y.len() as f64;
    let mean = y.iter().sum::<f64>() / n;
    (y.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / n).sqrt()
}
