//! The service behind the routes: one request in, one logged decision out.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use axum::body::Bytes;
use ceteris_chassis::Shutdown;
use ceteris_chassis::clock::Clock;
use ceteris_contract::decide::DecideRequest;
use ceteris_contract::error::Code;
use ceteris_contract::identity::IdentityKey;
use ceteris_contract::record::{DECISION_SCHEMA_VERSION, Decision, DecisionRecord};
use ceteris_contract::time::Timestamp;
use ceteris_journal::SpoolError;
use ceteris_model::served::Scratch;
use ceteris_stream::RECORD_BYTES_MAX;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::cached::CachedEffects;
use crate::catalog::Catalog;
use crate::config::Config;
use crate::decide::decide;
use crate::gather::{Stored, context_suffices, evaluated, merge};
use crate::idempotency::RecentReplies;
use crate::ids;
use crate::journal::{self, DecisionJournal};
use crate::metrics::Metrics;
use crate::refusal::{Refusal, refuse};
use crate::reply::{Head, write_reply};
use crate::request;
use crate::served::Served;
use crate::stored::StoredFeatures;

/// Largest decision record: the log takes no more, and a record it does not take would hold up all those behind it. The
/// difference is room for key and headers.
const RECORD_BYTES_SENT_MAX: usize = RECORD_BYTES_MAX - (64 << 10);

thread_local! {
    /// Buffers of the effect evaluation; never held across an await.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Everything the routes share.
#[derive(Debug)]
pub struct App {
    /// What the service was told.
    pub config: Config,
    /// What is served.
    pub catalog: Arc<Catalog>,
    /// The journal before every reply.
    pub journal: DecisionJournal,
    /// The feature store.
    pub features: StoredFeatures,
    /// The effect cache.
    pub effects: CachedEffects,
    /// The decision instant of requests that do not choose it.
    pub clock: Clock,
    /// Under which user ids are hashed.
    pub identity: IdentityKey,
    /// What is counted.
    pub metrics: Metrics,
    /// Replies by idempotency key.
    pub recent: RecentReplies,
    /// Requests in progress.
    pub permits: Semaphore,
    /// Cancelled when the service is to leave.
    pub shutdown: Shutdown,
    /// False once the forwarder has given up: decisions would pile up for ever.
    pub forwarding: AtomicBool,
}

/// What stands beside the body of a request.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The API key's name; empty without keys.
    pub caller: &'a str,
    /// The model version named outside the body, and where: a header or the query.
    pub version: Option<(&'static str, &'a str)>,
    /// The idempotency key.
    pub key: Option<&'a str>,
    /// Place in a batch.
    pub index: usize,
    /// When the request was read.
    pub read_at: Instant,
}

impl App {
    /// True when every problem that must be served is, and the service is not leaving.
    pub fn ready(&self) -> bool {
        let entries = self.catalog.entries();
        let loaded = match self.config.problems.as_slice() {
            [] => !entries.is_empty(),
            wanted => wanted.iter().all(|name| entries.contains_key(name)),
        };
        loaded && !self.shutdown.is_cancelled() && self.forwarding.load(Ordering::Acquire)
    }

    /// Decides one request and logs it; the reply's body, or why nothing was decided.
    ///
    /// # Errors
    /// Every refusal of the API.
    pub async fn answer(
        self: &Arc<Self>,
        mut request: DecideRequest,
        call: Call<'_>,
    ) -> Result<Bytes, Refusal> {
        merge_version(&mut request, call.version)?;
        request::check(&request)?;
        if request.at.is_some() && !self.config.at_allowed {
            let detail = "at: the decision instant is the service's clock here; leave it out";
            return Err(refuse(Code::DecisionInstantNotAllowed, Some("at"), detail));
        }
        let now = self.clock.now();
        let at = request.at.unwrap_or(now);
        let Some(key) = call.key else {
            return self
                .decide_and_log(request, ids::fresh(at), at, now, call.read_at)
                .await;
        };
        let id = ids::of_key(&self.identity, call.caller, key, call.index);
        let remembered = self.recent.claim(id, fingerprint(&request)?).map_err(|_| {
            let detail = "this Idempotency-Key was used for another request; use a new key for each request";
            refuse(Code::IdempotencyKeyReused, Some("Idempotency-Key"), detail)
        })?;
        // On a task of its own: were it dropped with a lost connection, a record might be journaled without the reply
        // being remembered, and a repeat could log another decision under the same id. Repeats that come meanwhile
        // wait here; if the first fails, the next one tries.
        let (app, read_at) = (Arc::clone(self), call.read_at);
        let task = tokio::spawn(async move {
            let decide = || app.decide_and_log(request, id, at, now, read_at);
            remembered.reply.get_or_try_init(decide).await.cloned()
        });
        task.await
            .unwrap_or_else(|error| Err(internal("a decision's task failed", &error)))
    }

    async fn decide_and_log(
        &self,
        mut request: DecideRequest,
        id: Uuid,
        at: Timestamp,
        now: Timestamp,
        read_at: Instant,
    ) -> Result<Bytes, Refusal> {
        let served = self
            .catalog
            .select(request.problem.as_deref(), request.version.as_deref())
            .await?;
        let unit = self.identity.unit(&request.user_id);
        let stored = if context_suffices(served.problem(), &request.context) {
            Stored::Absent
        } else {
            self.features.read(&served, unit, at, now).await
        };
        let user_id = request.user_id;
        let decision_id = id.to_string();
        let seed = ids::seed(&decision_id);
        let started = Instant::now();
        let features = merge(served.problem(), std::mem::take(&mut request.context), stored)?;
        let candidates = request.available_treatments;
        let found = self.effects.find(&served, &features, &candidates).await;
        let inputs = SCRATCH.with_borrow_mut(|scratch| {
            evaluated(&served, candidates, features, at, seed, &found.known, scratch)
        });
        self.effects.keep(&found, &inputs.effects);
        self.metrics
            .prediction_seconds
            .observe(started.elapsed().as_secs_f64());
        let decision = decide(&inputs);
        let record = DecisionRecord {
            schema_version: DECISION_SCHEMA_VERSION.to_owned(),
            decision_id,
            decided_at: at,
            problem: served.problem().name.clone(),
            unit,
            inputs,
            decision,
            latency_us: u64::try_from(read_at.elapsed().as_micros()).unwrap_or(u64::MAX),
        };
        let bytes = journal::encode(&user_id, &record.decision_id, at, |out| {
            serde_json::to_writer(out, &record)
        })
        .map_err(|error| internal("a decision record does not serialise", &error))?;
        let size = bytes.len();
        if size > RECORD_BYTES_SENT_MAX {
            let detail = format!(
                "its decision record has {size} bytes; at most {RECORD_BYTES_SENT_MAX}: send less context"
            );
            return Err(refuse(Code::PayloadTooLarge, None, detail));
        }
        let appended = self.journal.append(bytes);
        // The reply is written while the journal is.
        let head = Head {
            decision_id: &record.decision_id,
            user_id: &user_id,
            confidence_threshold: record.inputs.policy.significance_level,
            computed_at: at,
            model_version: record.inputs.model.as_ref().map(|m| m.version.as_str()),
        };
        let reply = write_reply(&head, &record.decision)
            .map_err(|error| internal("a reply does not serialise", &error))?;
        appended.await.map_err(|error| unlogged(&error))?;
        self.metrics.journal_appended_bytes.inc_by(size as u64);
        self.count(&served, &record.decision);
        Ok(reply)
    }

    fn count(&self, served: &Served, decision: &Decision) {
        let problem = served.problem().name.as_str();
        self.metrics
            .decisions
            .with_label_values(&[problem, decision.reason.as_str()])
            .inc();
        for reason in &decision.degraded_reasons {
            self.metrics
                .degraded
                .with_label_values(&[problem, reason.as_str()])
                .inc();
        }
        let widths = decision
            .effects
            .iter()
            .filter_map(|effect| effect.confidence_interval);
        let outcome = served.problem().primary_outcome().name.as_str();
        for [low, high] in widths {
            self.metrics
                .interval_width
                .with_label_values(&[problem, outcome])
                .observe(high - low);
        }
    }
}

/// A version named twice must be the same.
fn merge_version(request: &mut DecideRequest, other: Option<(&'static str, &str)>) -> Result<(), Refusal> {
    let Some((place, other)) = other else {
        return Ok(());
    };
    match &request.version {
        Some(version) if version != other => {
            let detail = format!("{place} says {other}, the body's version {version}; name one");
            Err(refuse(Code::UnprocessableField, Some(place), detail))
        }
        Some(_) => Ok(()),
        None => {
            request.version = Some(other.to_owned());
            Ok(())
        }
    }
}

/// Of what the request means, not of its bytes: a client that writes its fields in another order repeats itself.
fn fingerprint(request: &DecideRequest) -> Result<[u8; 32], Refusal> {
    let json =
        serde_json::to_vec(request).map_err(|error| internal("a request does not serialise", &error))?;
    Ok(Sha256::digest(json).into())
}

/// The refusal of a decision that could not be journaled: it was not made.
fn unlogged(error: &SpoolError) -> Refusal {
    if error.is_full() {
        return refuse(
            Code::JournalFull,
            None,
            "the decision journal is full; nothing was decided, try again later",
        );
    }
    match error {
        SpoolError::Overloaded { .. } => refuse(
            Code::Overloaded,
            None,
            "the decision journal is busy; nothing was decided, try again",
        ),
        SpoolError::Closed => refuse(
            Code::ShuttingDown,
            None,
            "the service is leaving; nothing was decided",
        ),
        SpoolError::Journal(_) => internal("the decision journal cannot be written", error),
    }
}

fn internal(what: &'static str, error: &(dyn std::error::Error + 'static)) -> Refusal {
    tracing::error!(error, "{what}");
    refuse(
        Code::Internal,
        None,
        "a fault of the service, logged there; nothing was decided",
    )
}
