//! The ETL as a service: it looks for requests, waits until the lake holds what the log held, makes the dataset, keeps it.
//!
//! Every step is written once in object storage ([`ceteris_lake::Datasets`]), so that a worker may be killed at any moment
//! and several may run: what one leaves, the next goes on from, and what two do at once is the same.

mod fault;
mod metrics;
mod pin;
mod schedule;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use ceteris_chassis::Shutdown;
use ceteris_chassis::clock::Clock;
use ceteris_contract::problem::Problem;
use ceteris_lake::{Answer, Answered, DatasetCard, DatasetRequest, Datasets, Lake, Pending, Pin};
use ceteris_registry::Registry;
use ceteris_stream::EventLog;

pub use schedule::Schedule;

use crate::finish::Made;
use crate::plan::{DECISIONS, EVENTS};
use crate::request::{Request, Watermarks, Workers};
use crate::run::run_at;
use fault::Fault;
use metrics::Metrics;
use pin::Ends;

/// How the worker works.
#[derive(Clone, Debug)]
pub struct Config {
    /// How often requests are looked for.
    pub poll_interval: Duration,
    /// Datasets that nobody has to ask for.
    pub schedules: Vec<Schedule>,
    /// Threads of the CPU pool; 0: one a core.
    pub threads: usize,
    /// A folder of this worker's own, in which finished buckets are kept so that a run that was killed goes on; nowhere if
    /// left out.
    pub work_dir: Option<PathBuf>,
    /// The first pause after a passing failure; each further one is twice as long.
    pub retry_pause: Duration,
    /// The longest pause.
    pub retry_pause_max: Duration,
    /// Passing failures in a row after which a request is answered with the last one.
    pub attempts_max: u32,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            poll_interval: Duration::from_secs(1),
            schedules: Vec::new(),
            threads: 0,
            work_dir: None,
            retry_pause: Duration::from_millis(500),
            retry_pause_max: Duration::from_secs(60),
            attempts_max: 20,
        }
    }
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
    let mut worker = Worker {
        config,
        deps,
        metrics,
        pool: Arc::new(pool),
        scheduled: BTreeMap::new(),
        ends: BTreeMap::new(),
        retries: BTreeMap::new(),
    };
    worker.work(shutdown).await;
    Ok(())
}

/// A request that failed and is tried again.
struct Retry {
    attempts: u32,
    pause: Duration,
    until: Instant,
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
    /// By request.
    retries: BTreeMap<String, Retry>,
}

impl Worker {
    async fn work(&mut self, shutdown: Shutdown) {
        let poll_interval = self.config.poll_interval;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.round() => {}
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(poll_interval) => {}
            }
        }
    }

    /// Looks once at everything that is asked for.
    async fn round(&mut self) {
        if let Err(fault) = self.ask_on_schedule().await {
            self.tell("schedule", &fault);
        }
        let pending = match self.deps.datasets.pending().await {
            Ok(pending) => pending,
            Err(error) => return self.tell("look for requests", &Fault::from(error)),
        };
        self.metrics.pending.set(pending.len() as i64);
        let asked = |id: &String| pending.iter().any(|pending| &pending.id == id);
        self.ends.retain(|id, _| asked(id));
        self.retries.retain(|id, _| asked(id));
        for pending in pending {
            let resting = |retry: &Retry| retry.until > Instant::now();
            if self.retries.get(&pending.id).is_some_and(resting) {
                continue;
            }
            match self.step(&pending).await {
                Ok(()) => drop(self.retries.remove(&pending.id)),
                Err(fault) => self.failed(&pending, fault).await,
            }
        }
    }

    /// Takes a request as far as it goes now.
    async fn step(&mut self, pending: &Pending) -> Result<(), Fault> {
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
        let problem = self.problem(&request.problem, &pin.problem_digest).await?;
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

    async fn problem(&self, name: &str, digest: &str) -> Result<Problem, Fault> {
        let source = self.deps.registry.get_problem(name, Some(digest)).await?;
        let source =
            source.ok_or_else(|| Fault::lasting(format!("the registry has no problem {name} {digest}")))?;
        Problem::from_yaml(&source.yaml).map_err(|faults| {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            Fault::lasting(format!("the problem {name} has faults: {}", faults.join("; ")))
        })
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

    /// A passing fault lets the request rest for a while, a lasting one answers it.
    async fn failed(&mut self, pending: &Pending, fault: Fault) {
        self.tell("make a dataset", &fault);
        let retry = self.retries.entry(pending.id.clone()).or_insert(Retry {
            attempts: 0,
            pause: self.config.retry_pause,
            until: Instant::now(),
        });
        retry.attempts += 1;
        retry.until = Instant::now() + retry.pause;
        retry.pause = (retry.pause * 2).min(self.config.retry_pause_max);
        if fault.passing && retry.attempts < self.config.attempts_max {
            self.metrics.retries.inc();
            return;
        }
        self.metrics.failures.with_label_values(&[&pending.problem]).inc();
        if let Err(fault) = self.answer(pending, Answer::Failed(fault.reason)).await {
            self.tell("record why a request failed", &fault);
        }
    }

    fn tell(&self, what: &str, fault: &Fault) {
        tracing::warn!(
            error = fault.reason,
            passing = fault.passing,
            "the ETL could not {what}"
        );
    }
}
