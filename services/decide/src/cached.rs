//! The effect cache before the model: known effects are taken from it, computed ones are put there after the reply.

use std::sync::Arc;

use axum::body::Bytes;
use ceteris_contract::decide::Candidate;
use ceteris_contract::record::{CandidateEffects, Feature};
use ceteris_effect_cache::{EffectCache, EffectKey, FeatureHash, KeyParts, Lookup};
use ceteris_model::served::Model;
use tokio::sync::Semaphore;

use crate::gather::{KnownEffects, match_arm};
use crate::metrics::Metrics;
use crate::served::Served;

/// Requests whose effects wait to be put; those of more are forgotten, for a cache is worth no queue.
const PUTS_MAX: usize = 64;

/// The effect cache with what is counted of it.
#[derive(Clone, Debug)]
pub struct CachedEffects {
    cache: Arc<dyn EffectCache>,
    metrics: Metrics,
    puts: Arc<Semaphore>,
}

/// What the cache said of one request's candidates.
#[derive(Debug, Default)]
pub struct Found {
    /// By candidate, in order; empty where the cache was not asked.
    pub known: Vec<Option<KnownEffects>>,
    /// The keys of those that were not known.
    missing: Vec<(usize, EffectKey)>,
}

impl CachedEffects {
    /// Effects through this cache.
    pub fn new(cache: Arc<dyn EffectCache>, metrics: Metrics) -> Self {
        CachedEffects {
            cache,
            metrics,
            puts: Arc::new(Semaphore::new(PUTS_MAX)),
        }
    }

    /// What is known of the candidates' effects. Asks nothing where nothing is kept or nothing can be evaluated.
    pub async fn find(&self, served: &Served, features: &[Feature], candidates: &[Candidate]) -> Found {
        let mut found = Found::default();
        let model = served.model().filter(|_| self.cache.keeps());
        let Some(model) = model.filter(|model| !served.required_unknown(model, features)) else {
            return found;
        };
        let Some(hash) = hash(model, features) else {
            return found;
        };
        let keys: Vec<(usize, EffectKey)> = candidates
            .iter()
            .enumerate()
            .filter(|(_, candidate)| match_arm(served.problem(), candidate).is_ok())
            .map(|(index, candidate)| (index, key(served, model, hash, candidate)))
            .collect();
        let only: Vec<EffectKey> = keys.iter().map(|(_, key)| *key).collect();
        let lookups = self.cache.get(&only).await;
        self.metrics
            .effect_cache_breaker
            .set(i64::from(self.cache.breaker_is_open()));
        found.known.resize(candidates.len(), None);
        for ((index, key), lookup) in keys.into_iter().zip(lookups) {
            let (result, known) = match lookup {
                Lookup::Hit(bytes) => match KnownEffects::decode(&bytes) {
                    Some(known) => ("hit", Some(known)),
                    None => ("wrong", None),
                },
                Lookup::Miss => ("miss", None),
                Lookup::Wrong => ("wrong", None),
                Lookup::Failed => ("failed", None),
            };
            self.metrics
                .effect_cache_lookups
                .with_label_values(&[result])
                .inc();
            if known.is_none() && result != "failed" {
                found.missing.push((index, key));
            }
            found.known[index] = known;
        }
        found
    }

    /// Puts the computed effects of what was missing, without waiting for it.
    pub fn keep(&self, found: &Found, effects: &[CandidateEffects]) {
        let entries: Vec<(EffectKey, Bytes)> = found
            .missing
            .iter()
            .filter_map(|(index, key)| Some((*key, KnownEffects::encode(effects.get(*index)?)?.into())))
            .collect();
        if entries.is_empty() {
            return;
        }
        let Ok(permit) = Arc::clone(&self.puts).try_acquire_owned() else {
            self.metrics
                .effect_cache_puts
                .with_label_values(&["dropped"])
                .inc();
            return;
        };
        let (cache, metrics) = (Arc::clone(&self.cache), self.metrics.clone());
        tokio::spawn(async move {
            let result = match cache.put(&entries).await {
                Ok(()) => "kept",
                Err(_) => "failed",
            };
            metrics.effect_cache_puts.with_label_values(&[result]).inc();
            drop(permit);
        });
    }
}

/// Of the features the model reads; nothing where one is not there.
fn hash(model: &Model, features: &[Feature]) -> Option<FeatureHash> {
    let read: Option<Vec<&Feature>> = model.reads().map(|place| features.get(place)).collect();
    let read = read?
        .into_iter()
        .map(|feature| (feature.name.as_str(), &feature.value));
    Some(FeatureHash::of(read))
}

fn key(served: &Served, model: &Model, features: FeatureHash, candidate: &Candidate) -> EffectKey {
    EffectKey::of(&KeyParts {
        model_digest: &model.served().digest,
        online_delta: model.served().online_delta.as_deref(),
        features,
        treatment: (&candidate.treatment_id, &candidate.kind),
        parameters: candidate
            .parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value)),
        interval_level: served.problem().policy.significance_level,
    })
}
