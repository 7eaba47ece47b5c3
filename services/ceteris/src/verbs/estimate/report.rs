//! What `ceteris estimate` answers.

use ceteris_causal::diagnose::doubt::{Doubt, doubts};
use ceteris_causal::diagnose::e_value::e_value_of_difference;
use ceteris_causal::diagnose::overlap::ArmOverlap;
use ceteris_causal::inference::{Clusters, Estimate as Found};
use ceteris_causal::score::Scores;
use serde_json::{Value, json};

use super::args::Estimate;
use super::data::Data;

/// Level of the interval.
pub(super) const LEVEL: f64 = 0.95;

/// A method's answer.
pub(super) struct Report {
    pub(super) found: Found,
    pub(super) estimand: &'static str,
    pub(super) nuisance: Value,
    pub(super) overlap: Value,
    pub(super) sensitivity: Value,
    pub(super) instrument: Value,
    pub(super) doubts: Vec<Doubt>,
}

impl Report {
    pub(super) fn new(found: Found, estimand: &'static str) -> Self {
        Report {
            found,
            estimand,
            nuisance: Value::Null,
            overlap: Value::Null,
            sensitivity: Value::Null,
            instrument: Value::Null,
            doubts: Vec::new(),
        }
    }

    /// Raises the flags of the estimate.
    pub(super) fn doubt(&mut self, scores: &Scores, w: &[f64], clusters: &Clusters, arms: &[ArmOverlap]) {
        self.doubts = doubts(&self.found, scores, w, clusters, arms);
    }

    pub(super) fn document(self, args: &Estimate, data: &Data, identification: Value) -> Value {
        let found = &self.found;
        let mut document = json!({
            "estimate": found.estimate,
            "std_error": found.std_error,
            "ci": found.ci(LEVEL),
            "p_value": found.p_value(),
            "n": found.n,
            "clusters": found.clusters,
            "few_clusters": found.few_clusters(),
            "estimand": self.estimand,
            "method": args.method.name(),
            "nuisance": self.nuisance,
            "overlap": self.overlap,
            "sensitivity": self.sensitivity,
            "identification": identification,
            "flags": self.doubts,
            "missing": data.missing,
        });
        if !self.instrument.is_null() {
            document["instrument"] = self.instrument;
        }
        if let Some(reason) = found.no_error() {
            document["reason"] = json!(reason.to_string());
        }
        let spread = sd(&data.y);
        if document["sensitivity"].is_object() && spread > 0.0 && found.std_error.is_finite() {
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

pub(super) fn text(args: &Estimate, document: &Value) -> String {
    let number = |name: &str| document[name].as_f64().unwrap_or(f64::NAN);
    let mut lines = vec![format!(
        "{} of {} on {}: {} (std. error {}), 95 % interval [{}, {}], p = {:.4}, n = {}",
        document["estimand"].as_str().unwrap_or_default(),
        args.treatment,
        args.outcome,
        shown(number("estimate")),
        shown(number("std_error")),
        shown(document["ci"][0].as_f64().unwrap_or(f64::NAN)),
        shown(document["ci"][1].as_f64().unwrap_or(f64::NAN)),
        number("p_value"),
        document["n"],
    )];
    if let Some(reason) = document["reason"].as_str() {
        lines.push(format!("no interval: {reason}"));
    }
    if let (Some(rv), Some(rva)) = (
        document["sensitivity"]["rv"].as_f64(),
        document["sensitivity"]["rva"].as_f64(),
    ) {
        lines.push(format!(
            "a hidden confounder would have to explain {:.1} % of what is left of both treatment and outcome to take the estimate to zero, {:.1} % to take its interval there",
            100.0 * rv,
            100.0 * rva
        ));
    }
    if let Some(f) = document["instrument"]["first_stage_f"].as_f64() {
        lines.push(format!("first-stage F of the instrument: {f:.1}"));
    }
    for told in document["nuisance"]["flags"].as_array().into_iter().flatten() {
        lines.push(format!(
            "nuisance {}: {} in {} fits",
            told["nuisance"].as_str().unwrap_or_default(),
            told["flag"].as_str().unwrap_or_default(),
            told["fits"]
        ));
    }
    for flag in document["flags"].as_array().into_iter().flatten() {
        lines.push(format!("flag: {}", meaning(flag.as_str().unwrap_or_default())));
    }
    lines.push(match &document["identification"] {
        Value::String(_) => {
            "identification: assumed; the covariates are your claim (give --graph to prove them)".to_owned()
        }
        proof => format!("identification: {}", proof["proof"].as_str().unwrap_or_default()),
    });
    lines.join("\n")
}

/// Six decimals; in powers of ten where those would not be read.
fn shown(value: f64) -> String {
    if value != 0.0 && !(1e-4..1e12).contains(&value.abs()) && value.is_finite() {
        format!("{value:.6e}")
    } else {
        format!("{value:.6}")
    }
}

fn meaning(flag: &str) -> &str {
    match flag {
        "overlap" => {
            "overlap (some rows hardly ever have one of the arms; --estimand overlap does not rest on them)"
        }
        "heavy_tail" => "heavy_tail (one unit carries much of the error; the interval may be too short)",
        "few_clusters" => "few_clusters (under fifty independent units; t(G - 1) with a corrected error)",
        "weak_instrument" => "weak_instrument (read the Anderson-Rubin set instead of the interval)",
        other => other,
    }
}
