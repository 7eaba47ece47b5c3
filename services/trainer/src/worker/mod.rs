//! The trainer as a service: it looks for datasets without a model, newest first, trains, publishes, records.
//!
//! What became of a dataset is written once in object storage ([`ceteris_lake::Datasets`]). A worker killed before that
//! leaves a dataset that the next one trains again to the same bits and publishes to no effect, or to what was missing.

mod fault;
mod metrics;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use anyhow::Context;
use ceteris_causal::dml::Progress;
use ceteris_chassis::Shutdown;
use ceteris_chassis::clock::Clock;
use ceteris_contract::dataset::Dataset;
use ceteris_contract::problem::Problem;
use ceteris_lake::{DatasetCard, Datasets, Training};
use ceteris_registry::{Registry, RegistryError};
use tokio::sync::oneshot;

use crate::publish::{PRODUCTION, publish};
use crate::train::train;
use crate::trained::{TrainOptions, Trained};
use fault::Fault;
use metrics::Metrics;

/// Races for an alias that are lost in a row before the dataset rests.
const RACES_MAX: u32 = 5;

/// How the worker works.
#[derive(Clone, Debug)]
pub struct Config {
    /// How often datasets are looked for.
    pub poll_interval: Duration,
    /// Folds of cross-fitting.
    pub folds: u32,
    /// Threads of the CPU pool; 0: one a core.
    pub threads: usize,
    /// The first pause after a passing failure; each further one is twice as long.
    pub retry_pause: Duration,
    /// The longest pause.
    pub retry_pause_max: Duration,
    /// Passing failures in a row after which the last one is recorded.
    pub attempts_max: u32,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            poll_interval: Duration::from_secs(1),
            folds: 5,
            threads: 0,
            retry_pause: Duration::from_millis(500),
            retry_pause_max: Duration::from_secs(60),
            attempts_max: 20,
        }
    }
}

/// What the worker works with.
#[derive(Clone)]
pub struct Deps {
    /// Where datasets lie.
    pub datasets: Datasets,
    /// Where problems come from and models go.
    pub registry: Registry,
    /// Dates models and promotions.
    pub clock: Clock,
    /// Where its metrics are shown.
    pub metrics: prometheus::Registry,
}

/// Trains until `shutdown`. What is begun then is left for the next worker.
///
/// # Errors
/// Where the CPU pool or the metrics cannot be had. Everything else is tried again, or recorded with its reason.
pub async fn serve(config: Config, deps: Deps, shutdown: Shutdown) -> anyhow::Result<()> {
    let metrics = Metrics::register(&deps.metrics).context("register the trainer's metrics")?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(config.threads)
        .thread_name(|thread| format!("trainer-{thread}"))
        .build()
        .context("start the trainer's CPU pool")?;
    let mut worker = Worker {
        config,
        deps,
        metrics,
        pool,
        shutdown: shutdown.clone(),
        retries: BTreeMap::new(),
    };
    let poll_interval = worker.config.poll_interval;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            () = worker.round() => {}
        }
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            () = tokio::time::sleep(poll_interval) => {}
        }
    }
}

/// A dataset that failed and is tried again.
struct Retry {
    attempts: u32,
    pause: Duration,
    until: Instant,
}

struct Worker {
    config: Config,
    deps: Deps,
    metrics: Metrics,
    pool: rayon::ThreadPool,
    shutdown: Shutdown,
    /// By digest.
    retries: BTreeMap<String, Retry>,
}

impl Worker {
    /// Looks once at every problem's datasets.
    async fn round(&mut self) {
        match self.untrained().await {
            Ok(cards) => {
                self.metrics.untrained.set(cards.len() as i64);
                self.retries
                    .retain(|digest, _| cards.iter().any(|card| &card.digest == digest));
                for card in cards {
                    self.take(&card).await;
                }
            }
            Err(fault) => self.tell("look for datasets", &fault),
        }
    }

    async fn untrained(&self) -> Result<Vec<DatasetCard>, Fault> {
        let mut cards = Vec::new();
        for problem in self.deps.datasets.problems().await? {
            cards.extend(self.deps.datasets.untrained(&problem).await?);
        }
        Ok(cards)
    }

    async fn take(&mut self, card: &DatasetCard) {
        let resting = |retry: &Retry| retry.until > Instant::now();
        if self.retries.get(&card.digest).is_some_and(resting) {
            return;
        }
        match self.step(card).await {
            Ok(training) => self.record(card, training).await,
            Err(fault) => self.failed(card, fault).await,
        }
    }

    /// What becomes of a dataset.
    async fn step(&self, card: &DatasetCard) -> Result<Training, Fault> {
        if let Some(superseded_by) = self.newer_in_production(card).await? {
            return Ok(Training::Superseded { superseded_by });
        }
        let problem = self.problem(card).await?;
        let dataset = self.deps.datasets.read(&card.problem, &card.digest).await?;
        let options = TrainOptions {
            seed: card.seed,
            folds: self.config.folds,
            now: self.deps.clock.now().max(card.as_of),
            as_of: Some(card.as_of),
            lake_versions: card.lake_versions.clone(),
        };
        let started = Instant::now();
        let now = options.now;
        let model = self.train(problem, dataset, options).await?;
        self.metrics.seconds.observe(started.elapsed().as_secs_f64());
        let promoted = self.publish(&model, now).await?;
        Ok(Training::Trained {
            version: model.manifest.version.clone(),
            promoted,
            failed_gates: model.failed_gates(),
        })
    }

    /// The digest of the dataset whose model is in production, if that dataset is newer.
    async fn newer_in_production(&self, card: &DatasetCard) -> Result<Option<String>, Fault> {
        let Some(alias) = self.deps.registry.alias(&card.problem, PRODUCTION).await? else {
            return Ok(None);
        };
        let manifest = match self.deps.registry.manifest(&alias.version).await {
            Ok(manifest) => manifest,
            Err(error) if error.disposition() == ceteris_registry::Disposition::Retry => {
                return Err(error.into());
            }
            // A model that cannot be read keeps nobody from a new one.
            Err(_) => return Ok(None),
        };
        let newer = manifest.provenance.as_of.is_some_and(|as_of| as_of > card.as_of);
        Ok(newer.then_some(manifest.what.dataset_digest))
    }

    async fn problem(&self, card: &DatasetCard) -> Result<Problem, Fault> {
        let (name, digest) = (&card.problem, &card.problem_digest);
        let source = self.deps.registry.get_problem(name, Some(digest)).await?;
        let source =
            source.ok_or_else(|| Fault::lasting(format!("the registry has no problem {name} {digest}")))?;
        Problem::from_yaml(&source.yaml).map_err(|faults| {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            Fault::lasting(format!("the problem {name} has faults: {}", faults.join("; ")))
        })
    }

    /// Trains on the pool; a shutdown ends the fit at its next step.
    async fn train(
        &self,
        problem: Problem,
        dataset: Dataset,
        options: TrainOptions,
    ) -> Result<Trained, Fault> {
        let (done, result) = oneshot::channel();
        let shutdown = self.shutdown.clone();
        self.pool.spawn(move || {
            let watch = |_: Progress| match shutdown.is_cancelled() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            };
            // A panic that reached the pool would end the process.
            let outcome = catch_unwind(AssertUnwindSafe(|| train(&problem, &dataset, &options, &watch)));
            // Whoever gave up waiting does not want the result.
            let _ = done.send(outcome);
        });
        match result.await {
            Ok(Ok(trained)) => Ok(trained?),
            Ok(Err(_)) | Err(_) => Err(Fault::lasting("the training panicked".to_owned())),
        }
    }

    /// Publishes; an alias that another trainer moved meanwhile is looked at again.
    async fn publish(&self, model: &Trained, now: ceteris_contract::time::Timestamp) -> Result<bool, Fault> {
        let mut races = 0;
        loop {
            match publish(&self.deps.registry, model, now).await {
                Err(RegistryError::AliasMoved { .. }) if races < RACES_MAX => races += 1,
                Err(error @ RegistryError::AliasMoved { .. }) => {
                    return Err(Fault::passing(error.to_string()));
                }
                published => return Ok(published?),
            }
        }
    }

    async fn record(&mut self, card: &DatasetCard, training: Training) {
        match self
            .deps
            .datasets
            .record(&card.problem, &card.digest, &training)
            .await
        {
            Ok(training) => {
                self.retries.remove(&card.digest);
                self.metrics.became(card, &training);
                tracing::info!(
                    dataset.problem = card.problem,
                    dataset.digest = card.digest,
                    training = ?training,
                    "what became of a dataset"
                );
            }
            Err(error) => self.rest(card, Fault::from(error)),
        }
    }

    /// A passing fault lets the dataset rest for a while, a lasting one is recorded.
    async fn failed(&mut self, card: &DatasetCard, fault: Fault) {
        if self.shutdown.is_cancelled() {
            return;
        }
        let attempts = self.retries.get(&card.digest).map_or(0, |retry| retry.attempts) + 1;
        if fault.passing && attempts < self.config.attempts_max {
            self.metrics.retries.inc();
            return self.rest(card, fault);
        }
        self.tell("train on a dataset", &fault);
        self.metrics.failures.with_label_values(&[&card.problem]).inc();
        self.record(card, Training::Failed { error: fault.reason }).await;
    }

    fn rest(&mut self, card: &DatasetCard, fault: Fault) {
        self.tell("finish a dataset", &fault);
        let retry = self.retries.entry(card.digest.clone()).or_insert(Retry {
            attempts: 0,
            pause: self.config.retry_pause,
            until: Instant::now(),
        });
        retry.attempts += 1;
        retry.until = Instant::now() + retry.pause;
        retry.pause = (retry.pause * 2).min(self.config.retry_pause_max);
    }

    fn tell(&self, what: &str, fault: &Fault) {
        tracing::warn!(
            error = fault.reason,
            passing = fault.passing,
            "the trainer could not {what}"
        );
    }
}
