//! The ETL as a service: it looks for requests, waits until the lake holds what the log held, makes the dataset, keeps it.
//!
//! Every step is written once in object storage ([`ceteris_lake::Datasets`]), so that a worker may be killed at any moment
//! and several may run: what one leaves, the next goes on from, and what two do at once is the same.

mod metrics;
mod pin;
mod schedule;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use ceteris_chassis::Shutdown;
use ceteris_chassis::clock::Clock;
use ceteris_chassis::worklist::{Fault, Pace, Piece, Worklist, work_off};
use ceteris_contract::problem::Problem;
use ceteris_lake::{Answer, Answered, DatasetCard, DatasetRequest, Datasets, Lake, Pending, Pin};
use ceteris_registry::Registry;
use ceteris_stream::EventLog;

pub use schedule::Schedule;

use crate::finish::Made;
use crate::plan::{DECISIONS, EVENTS};
use crate::request::{Request, Watermarks, Workers};
use crate::run::run_at;
use metrics::Metrics;
use pin::Ends;

/// How the worker works.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// How often requests are looked for, and how often one is tried.
    pub pace: Pace,
    /// Datasets that nobody has to ask for.
    pub schedules: Vec<Schedule>,
    /// Threads of the CPU pool; 0: one a core.
    pub threads: usize,
    /// A folder of this worker's own, in which finished buckets are kept so that a run that was killed goes on; nowhere if
    /// left out.
    pub work_dir: Option<PathBuf>,
}

/// What the worker works with.
#[derive(Clone)]
pub struct Deps {
    /// What the datasets are made from.
    pub lake: Lake,
    /// Where requests come from and datasets go.
    pub datasets: Datasets,
    /// The problems.
    pub registry: Registry,
    /// Tells how far the lake has to come.
    pub log: Arc<dyn EventLog>,
    /// Dates schedules, watermarks and answers.
    pub clock: Clock,
    /// Where its metrics are shown.
    pub metrics: prometheus::Registry,
}

/// Answers requests until `shutdown`. What is begun then is left for the next worker.
///
/// # Errors
/// Where the CPU pool or the metrics cannot be had. Everything else is tried again, or answered with its reason.
pub async fn serve(config: Config, deps: Deps, shutdown: Shutdown) -> anyhow::Result<()> {
    let metrics = Metrics::register(&deps.metrics).context("register the ETL's metrics")?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(config.threads)
        .thread_name(|thread| format!("etl-{thread}"))
        .build()
        .context("start the ETL's CPU pool")?;
    let (pace, counts) = (config.pace.clone(), metrics.counts.clone());
    let worker = Worker {
        config,
        deps,
        metrics,
        pool: Arc::new(pool),
        scheduled: BTreeMap::new(),
        ends: BTreeMap::new(),
    };
    work_off(worker, &pace, &counts, &shutdown).await;
    Ok(())
}

struct Worker {
    config: Config,
    deps: Deps,
    metrics: Metrics,
    pool: Arc<rayon::ThreadPool>,
    /// By problem, the `as_of` that was asked for last.
    scheduled: BTreeMap<String, ceteris_contract::time::Timestamp>,
    /// By request, what the log held when it was first seen.
    ends: BTreeMap<String, Ends>,
}

/// A request that waits for its answer.
struct Asked(Pending);

impl Piece for Asked {
    fn problem(&self) -> &str {
        &self.0.problem
    }

    fn id(&self) -> &str {
        &self.0.id
    }
}

impl Worklist for Worker {
    type Piece = Asked;
    const WORK: &'static str = "the ETL";

    async fn list(&mut self) -> Result<Vec<Asked>, Fault> {
        if let Err(fault) = self.ask_on_schedule().await {
            // Those who ask by themselves do not wait for the schedule.
            tracing::warn!(error = fault.reason, "the ETL could not ask on schedule");
        }
        let pending = self.deps.datasets.pending().await?;
        self.ends
            .retain(|id, _| pending.iter().any(|pending| &pending.id == id));
        Ok(pending.into_iter().map(Asked).collect())
    }

    async fn step(&mut self, Asked(pending): &Asked) -> Result<(), Fault> {
        self.take(pending).await
    }

    async fn give_up(&mut self, Asked(pending): &Asked, reason: String) -> Result<(), Fault> {
        self.answer(pending, Answer::Failed(reason)).await
    }
}

impl Worker {
    /// Takes a request as far as it goes now.
    async fn take(&mut self, pending: &Pending) -> Result<(), Fault> {
        let datasets = self.deps.datasets.clone();
        if let Some(answered) = datasets.answered(&pending.problem, &pending.id).await? {
            // Whoever answered it was killed before it took the request away.
            datasets.answer(&pending.problem, &pending.id, &answered).await?;
            return Ok(());
        }
        let request = pending
            .request
            .as_ref()
            .map_err(|reason| Fault::lasting(reason.clone()))?;
        let pin = match datasets.pinned(&pending.problem, &pending.id).await? {
            Some(pin) => pin,
            None => match self.pin(&pending.id, request).await? {
                Some(pin) => pin,
                None => return Ok(()),
            },
        };
        let started = Instant::now();
        let problem = self
            .deps
            .registry
            .problem(&request.problem, &pin.problem_digest)
            .await?;
        let made = self.make(&problem, request, &pin).await?;
        let rows = made.report.rows;
        let digest = self.keep(pending, request, &pin, made).await?;
        let seconds = started.elapsed().as_secs_f64();
        self.metrics.made(&request.problem, rows, request.as_of, seconds);
        tracing::info!(
            dataset.problem = request.problem,
            dataset.digest = digest,
            dataset.rows = rows,
            duration_s = seconds,
            "request answered"
        );
        Ok(())
    }

    async fn make(&self, problem: &Problem, request: &DatasetRequest, pin: &Pin) -> Result<Made, Fault> {
        let version = |table: &str| pin.lake_versions.get(table).copied();
        let asked = Request {
            as_of: request.as_of,
            watermarks: Watermarks::All(pin.watermark),
            seed: request.seed,
            lake_version: version(EVENTS),
        };
        let workers = Workers {
            pool: &self.pool,
            work_dir: self.config.work_dir.as_deref(),
            progress: &|_| {},
        };
        Ok(run_at(&self.deps.lake, problem, &asked, version(DECISIONS), &workers).await?)
    }

    async fn keep(
        &self,
        pending: &Pending,
        request: &DatasetRequest,
        pin: &Pin,
        made: Made,
    ) -> Result<String, Fault> {
        let report = serde_json::to_value(&made.report).map_err(|error| Fault::lasting(error.to_string()))?;
        let card = DatasetCard {
            problem: request.problem.clone(),
            problem_digest: pin.problem_digest.clone(),
            digest: made.digest.clone(),
            rows: made.report.rows,
            as_of: request.as_of,
            seed: request.seed,
            request_id: pending.id.clone(),
            lake_versions: pin.lake_versions.clone(),
            report,
        };
        self.deps.datasets.write(made.dataset, made.info, &card).await?;
        self.answer(pending, Answer::Dataset(made.digest.clone())).await?;
        Ok(made.digest)
    }

    async fn answer(&self, pending: &Pending, answer: Answer) -> Result<(), Fault> {
        let answered = Answered {
            request: pending.request.clone().ok(),
            at: self.deps.clock.now(),
            answer,
        };
        let datasets = &self.deps.datasets;
        datasets.answer(&pending.problem, &pending.id, &answered).await?;
        Ok(())
    }
}
