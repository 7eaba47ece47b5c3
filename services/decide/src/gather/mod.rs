//! From a request to [`Inputs`]: arms matched, features merged, effects evaluated. Pure; reading the feature store and the
//! effect cache, and choosing the model, are the caller's part.

mod arms;
mod features;
mod known;

use std::collections::BTreeMap;

use ceteris_contract::decide::{Candidate, DecideRequest};
use ceteris_contract::record::{CandidateEffects, Feature, Inputs};
use ceteris_contract::time::Timestamp;
use ceteris_model::served::{Evaluation, Model, Scratch};

pub use arms::{PARAMETERS_MISMATCH, UNKNOWN_TREATMENT, match_arm};
pub use features::{Stored, context_suffices, merge};
pub use known::KnownEffects;

use crate::refusal::Refusal;
use crate::served::Served;

/// No model is served.
pub const NO_MODEL: &str = "no_model";
/// A feature that is needed could not be had.
pub const FEATURES_UNAVAILABLE: &str = "features_unavailable";
/// The unit lies outside what the model was trained on.
pub const OUTSIDE_SUPPORT: &str = "outside_support";
/// The model has no effect of the arm on the outcome and does not say why.
pub const NOT_SERVED: &str = "not_served";

/// Everything `decide` reads, for one request whose effects are computed here.
///
/// # Errors
/// A context value of the wrong type for its view.
pub fn gather(
    served: &Served,
    mut request: DecideRequest,
    at: Timestamp,
    stored: Stored,
    seed: u64,
    scratch: &mut Scratch,
) -> Result<Inputs, Refusal> {
    let features = merge(served.problem(), std::mem::take(&mut request.context), stored)?;
    let candidates = request.available_treatments;
    Ok(evaluated(served, candidates, features, at, seed, &[], scratch))
}

/// Everything `decide` reads, from merged features and what is known already of the candidates' effects, in their order;
/// what is not known is computed. The result is the same bit for bit.
pub fn evaluated(
    served: &Served,
    candidates: Vec<Candidate>,
    features: Vec<Feature>,
    at: Timestamp,
    seed: u64,
    known: &[Option<KnownEffects>],
    scratch: &mut Scratch,
) -> Inputs {
    let model = served.model();
    let known = |index: usize| known.get(index).and_then(Option::as_ref);
    let evaluation = match model {
        Some(_) if !candidates.is_empty() && (0..candidates.len()).all(|index| known(index).is_some()) => {
            None
        }
        Some(model) => Some(evaluate(served, model, &features, scratch)),
        None => None,
    };
    let state = match (model, &evaluation) {
        (None, _) => State::NoModel,
        (Some(_), Some(None)) => State::FeaturesUnavailable,
        (Some(model), Some(Some(evaluation))) => State::Evaluated(model, Some(evaluation)),
        (Some(model), None) => State::Evaluated(model, None),
    };
    let effects = candidates
        .iter()
        .enumerate()
        .map(|(index, candidate)| effects_of(served, candidate, &state, known(index)))
        .collect();
    let switches = match state {
        State::NoModel => vec![NO_MODEL.to_owned()],
        State::FeaturesUnavailable => vec![FEATURES_UNAVAILABLE.to_owned()],
        State::Evaluated(..) => Vec::new(),
    };
    Inputs {
        at,
        candidates,
        features,
        effects,
        model: model.map(|model| model.served().clone()),
        policy_digest: served.policy_digest().to_owned(),
        policy: served.problem().policy.clone(),
        fallback: served.problem().fallback.clone(),
        outcomes: served.outcomes().to_vec(),
        switches,
        seed,
    }
}

enum State<'a> {
    NoModel,
    FeaturesUnavailable,
    /// Without an evaluation where every candidate's effects are known already.
    Evaluated(&'a Model, Option<&'a Evaluation<'a>>),
}

/// phi(x), unless a feature the model reads is missing, or only a default stands in for one that is not optional.
fn evaluate<'a>(
    served: &Served,
    model: &'a Model,
    features: &[Feature],
    scratch: &'a mut Scratch,
) -> Option<Evaluation<'a>> {
    if served.required_unknown(model, features) {
        return None;
    }
    model.evaluate(features, scratch)
}

fn effects_of(
    served: &Served,
    candidate: &Candidate,
    state: &State<'_>,
    known: Option<&KnownEffects>,
) -> CandidateEffects {
    let mut entry = CandidateEffects {
        treatment_id: candidate.treatment_id.clone(),
        cost: None,
        outcomes: BTreeMap::new(),
        in_support: false,
        reason: None,
    };
    let (treatment, arm) = match match_arm(served.problem(), candidate) {
        Ok(matched) => matched,
        Err(reason) => {
            entry.reason = Some(reason.to_owned());
            return entry;
        }
    };
    entry.cost = Some(arm.cost);
    let reason = match state {
        State::NoModel => Some(NO_MODEL),
        State::FeaturesUnavailable => Some(FEATURES_UNAVAILABLE),
        State::Evaluated(model, evaluation) => {
            let in_support = match (known, evaluation) {
                (Some(known), _) => {
                    entry.outcomes = known.outcomes.clone();
                    known.in_support
                }
                (None, Some(evaluation)) => {
                    entry.outcomes = evaluation
                        .effects(&arm.id)
                        .map(|(outcome, point)| (outcome.to_owned(), point))
                        .collect();
                    evaluation.in_support()
                }
                (None, None) => false,
            };
            entry.in_support = in_support && !entry.outcomes.is_empty();
            let primary = &served.problem().primary_outcome().name;
            match entry.outcomes.contains_key(primary) {
                true => None,
                false if model.serves(&arm.id, primary) => Some(OUTSIDE_SUPPORT),
                false => Some(model.not_served(&treatment.name, primary).unwrap_or(NOT_SERVED)),
            }
        }
    };
    entry.reason = reason.map(str::to_owned);
    entry
}
