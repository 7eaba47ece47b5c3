//! `GET /v1/models`: what is served, in short; the whole manifest lies in the registry.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use ceteris_contract::error::Problem;
use ceteris_contract::manifest::{GateResult, Manifest};
use ceteris_contract::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{ApiError, admit};
use crate::app::App;
use crate::catalog::Entry;
use crate::keys::Scope;
use crate::loader::PRODUCTION;

/// `200` of `GET /v1/models`.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ModelsReply {
    /// One entry per problem, by name.
    pub models: Vec<ServedEntry>,
}

/// One problem and the model that decides for it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ServedEntry {
    /// The problem.
    pub problem: String,
    /// Its arms by treatment.
    pub treatments: BTreeMap<String, Vec<String>>,
    /// The alias that names the model.
    pub alias: String,
    /// Digest of the policy part in force.
    pub policy_digest: String,
    /// The model; null where the fallback rules decide.
    pub model: Option<ModelSummary>,
    /// Why the newest model or problem file does not serve; null where it does.
    pub fault: Option<String>,
}

/// A manifest in short.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ModelSummary {
    /// `<problem>-<12 hex of digest>`.
    pub version: String,
    /// SHA-256 of the artifact.
    pub digest: String,
    /// When it was trained.
    #[schema(value_type = String, format = DateTime)]
    pub trained_at: Timestamp,
    /// Digest of its training data.
    pub dataset_digest: String,
    /// Rows it was trained on.
    pub rows: u64,
    /// Distinct units among them.
    pub units: u64,
    /// Features it reads.
    pub features: Vec<String>,
    /// Learners by nuisance.
    pub learners: BTreeMap<String, String>,
    /// Average effects.
    pub effects: Vec<EffectSummary>,
    /// Treatments and outcomes without an effect per unit.
    pub not_served: Vec<NotServedSummary>,
    /// True where every gate was passed.
    pub gates_passed: bool,
    /// Gates that were not passed.
    pub gates_failed: Vec<String>,
}

/// The average effect of one arm on one outcome.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EffectSummary {
    /// The treatment.
    pub treatment: String,
    /// The arm.
    pub arm: String,
    /// The outcome.
    pub outcome: String,
    /// E[tau(X)] against control.
    pub estimate: f64,
    /// Its standard error.
    pub std_error: f64,
    /// Its 95 % interval.
    pub ci: [f64; 2],
    /// The estimand in words.
    pub estimand: String,
    /// What identification proved.
    #[schema(value_type = Object)]
    pub identification: serde_json::Value,
}

/// A treatment and outcome without an effect per unit.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct NotServedSummary {
    /// The treatment.
    pub treatment: String,
    /// The outcome.
    pub outcome: String,
    /// `not_identified`, `unit_effect_unavailable` or `too_few_rows`.
    pub reason: String,
    /// The proof.
    #[schema(value_type = Object)]
    pub witness: serde_json::Value,
}

/// The models that decide.
#[utoipa::path(
    get, path = "/v1/models", operation_id = "models", tag = "models",
    responses(
        (status = 200, description = "What is served", body = ModelsReply),
        (status = 401, description = "unauthorized", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "forbidden", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Json<ModelsReply>, ApiError> {
    admit::caller(&app, &headers, Scope::Models)?;
    let entries = app.catalog.entries();
    Ok(Json(ModelsReply {
        models: entries
            .iter()
            .map(|(name, entry)| served_entry(name, entry))
            .collect(),
    }))
}

fn served_entry(name: &str, entry: &Entry) -> ServedEntry {
    let served = &entry.served;
    let arms = |t: &ceteris_contract::problem::Treatment| t.arms.iter().map(|a| a.id.clone()).collect();
    ServedEntry {
        problem: name.to_owned(),
        treatments: served
            .problem()
            .treatments
            .iter()
            .map(|t| (t.name.clone(), arms(t)))
            .collect(),
        alias: PRODUCTION.to_owned(),
        policy_digest: served.policy_digest().to_owned(),
        model: served.model().map(|model| summary(model.manifest())),
        fault: entry.fault.clone(),
    }
}

fn summary(manifest: &Manifest) -> ModelSummary {
    let what = &manifest.what;
    let failed = |(name, gate): (&String, &GateResult)| (!gate.passed).then(|| name.clone());
    let gates_failed: Vec<String> = what.gates.iter().filter_map(failed).collect();
    ModelSummary {
        version: manifest.version.clone(),
        digest: manifest.digest.clone(),
        trained_at: manifest.provenance.trained_at,
        dataset_digest: what.dataset_digest.clone(),
        rows: what.rows,
        units: what.units,
        features: what.features.iter().map(|f| f.name.clone()).collect(),
        learners: what.learners.clone(),
        effects: what
            .effects
            .iter()
            .map(|e| EffectSummary {
                treatment: e.treatment.clone(),
                arm: e.arm.clone(),
                outcome: e.outcome.clone(),
                estimate: e.estimate,
                std_error: e.std_error,
                ci: e.ci,
                estimand: e.estimand.clone(),
                identification: e.identification.clone(),
            })
            .collect(),
        not_served: what
            .not_served
            .iter()
            .map(|n| NotServedSummary {
                treatment: n.treatment.clone(),
                outcome: n.outcome.clone(),
                reason: n.reason.clone(),
                witness: n.witness.clone(),
            })
            .collect(),
        gates_passed: gates_failed.is_empty(),
        gates_failed,
    }
}
