//! The trainer as a service: it looks for datasets without a model, newest first, trains, publishes, records.
//!
//! What became of a dataset is written once in object storage ([`ceteris_lake::Datasets`]). A worker killed before that
//! leaves a dataset that the next one trains again to the same bits and publishes to no effect, or to what was missing.

mod metrics;

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use anyhow::Context;
use ceteris_chassis::Shutdown;
use ceteris_chassis::clock::Clock;
use ceteris_chassis::worklist::{Fault, Pace, Piece, Worklist, work_off};
use ceteris_contract::dataset::Dataset;
use ceteris_contract::problem::Problem;
use ceteris_estimate::Progress;
use ceteris_lake::{DatasetCard, Datasets, Training};
use ceteris_registry::{Disposition, HasDisposition, Registry, RegistryError};
use metrics::Metrics;
use tokio::sync::oneshot;

use crate::publish::{PRODUCTION, publish};
use crate::train::train;
use crate::trained::{TrainOptions, Trained};

/// Races for an alias that are lost in a row before the dataset rests.
const RACES_MAX: u32 = 5;

/// How the worker works.
#[derive(Clone, Debug)]
pub struct Config {
    /// How often datasets are looked for, and how often one is tried.
    pub pace: Pace,
    /// Folds of cross-fitting.
    pub folds: u32,
    /// Threads of the CPU pool; 0: one a core.
    pub threads: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            pace: Pace::default(),
            folds: 5,
            threads: 0,
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
    let (pace, counts) = (config.pace.clone(), metrics.counts.clone());
    let worker = Worker {
        config,
        deps,
        metrics,
        pool,
        shutdown: shutdown.clone(),
    };
    work_off(worker, &pace, &counts, &shutdown).await;
    Ok(())
}

struct Worker {
    config: Config,
    deps: Deps,
    metrics: Metrics,
    pool: rayon::ThreadPool,
    shutdown: Shutdown,
}

/// A dataset that nothing has become of yet.
struct Untrained(DatasetCard);

impl Piece for Untrained {
    fn problem(&self) -> &str {
        &self.0.problem
    }

    fn id(&self) -> &str {
        &self.0.digest
    }
}

impl Worklist for Worker {
    type Piece = Untrained;
    const WORK: &'static str = "the trainer";

    /// Every problem's datasets, the newest first.
    async fn list(&mut self) -> Result<Vec<Untrained>, Fault> {
        let mut cards = Vec::new();
        for problem in self.deps.datasets.problems().await? {
            let untrained = self.deps.datasets.untrained(&problem).await?;
            cards.extend(untrained.into_iter().map(Untrained));
        }
        Ok(cards)
    }

    async fn step(&mut self, Untrained(card): &Untrained) -> Result<(), Fault> {
        let training = self.take(card).await?;
        self.record(card, training).await
    }

    async fn give_up(&mut self, Untrained(card): &Untrained, reason: String) -> Result<(), Fault> {
        self.record(card, Training::Failed { error: reason }).await
    }
}

impl Worker {
    /// What becomes of a dataset.
    async fn take(&self, card: &DatasetCard) -> Result<Training, Fault> {
        if let Some(superseded_by) = self.newer_in_production(card).await? {
            return Ok(Training::Superseded { superseded_by });
        }
        let problem = self
            .deps
            .registry
            .problem(&card.problem, &card.problem_digest)
            .await?;
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
            Err(error) if error.disposition() == Disposition::Retry => {
                return Err(error.into());
            }
            // A model that cannot be read keeps nobody from a new one.
            Err(_) => return Ok(None),
        };
        let newer = manifest.provenance.as_of.is_some_and(|as_of| as_of > card.as_of);
        Ok(newer.then_some(manifest.what.dataset_digest))
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
            Ok(Err(_)) | Err(_) => Err(Fault::lasting("the training panicked")),
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

    async fn record(&self, card: &DatasetCard, training: Training) -> Result<(), Fault> {
        let datasets = &self.deps.datasets;
        let training = datasets.record(&card.problem, &card.digest, &training).await?;
        self.metrics.became(card, &training);
        tracing::info!(
            dataset.problem = card.problem,
            dataset.digest = card.digest,
            training = ?training,
            "what became of a dataset"
        );
        Ok(())
    }
}
