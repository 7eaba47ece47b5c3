//! Ingest at work in this process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use ceteris_chassis::Shutdown;
use ceteris_contract::problem::Problem;
use ceteris_contract::topics::USER_EVENTS;
use ceteris_features::{SchemaHash, ViewSet};
use prometheus::Registry as Metrics;
use tokio::task::JoinHandle;

use crate::ingest::setup::Setup;
use crate::machine;
use crate::report::Figures;
use ceteris_terminal::Stage;

/// How often the first event is looked for: what it took until then is not measured.
const FIRST: Duration = Duration::from_millis(2);
/// How often the positions are looked at.
const LOOK: Duration = Duration::from_millis(25);
/// How long nothing may move.
const PATIENCE: Duration = Duration::from_secs(120);
/// The counter that tells of the first event.
const EVENTS: &str = "ceteris_ingest_events_total";

pub(crate) struct Worker {
    /// Whose features it keeps.
    pub(crate) schema: SchemaHash,
    metrics: Metrics,
    shutdown: Shutdown,
    running: JoinHandle<anyhow::Result<()>>,
}

impl Worker {
    pub(crate) fn start(setup: &Setup, problem: &Arc<Problem>) -> anyhow::Result<Worker> {
        let (shutdown, metrics) = (Shutdown::new(), Metrics::new());
        let deps = ceteris_ingest::Deps {
            log: setup.ports.log.clone(),
            lake: setup.ports.lake.clone(),
            features: setup.ports.features.clone(),
            problems: vec![problem.clone()],
            identity: setup.ports.identity.clone(),
            clock: setup.clock.clone(),
            owner: setup.owner,
            registry: metrics.clone(),
        };
        let schema = ViewSet::compile(problem)
            .context("compile the feature views")?
            .schema();
        let config = ceteris_ingest::Config::default();
        Ok(Worker {
            schema,
            metrics,
            running: tokio::spawn(ceteris_ingest::run(config, deps, shutdown.clone())),
            shutdown,
        })
    }

    /// Waits until lake and features hold every event of the log, timed from the first one taken in.
    pub(crate) async fn take_in(self, setup: &Setup, events: u64) -> anyhow::Result<(Worker, Figures)> {
        let stage = Stage::start("ingest", events);
        let ends = setup.ports.log.end_offsets(USER_EVENTS).await;
        let ends = ends.context("read the log's ends")?;
        let mut worker = self;
        let mut moved = Moved::now();
        while worker.counted() == 0 {
            worker.check().await?;
            moved.check("ingest's first event")?;
            tokio::time::sleep(FIRST).await;
        }
        let (started, cpu) = (Instant::now(), machine::cpu_of_process());
        loop {
            worker.check().await?;
            let (taken, all) = setup.ports.taken_in(&ends, worker.schema).await?;
            stage.at(taken);
            if all {
                break;
            }
            moved.at(worker.counted().max(taken));
            moved.check("ingest to take the events in")?;
            tokio::time::sleep(LOOK).await;
        }
        let cpu = machine::cpu_of_process()
            .zip(cpu)
            .map(|(now, then)| now.saturating_sub(then));
        let figures = Figures::of(events, started.elapsed()).cpu(cpu);
        stage.done(&format!("{events} events in lake and features"));
        Ok((worker, figures))
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        self.running.await.context("ingest ended abnormally")?
    }

    /// An error if it has ended.
    async fn check(&mut self) -> anyhow::Result<()> {
        if !self.running.is_finished() {
            return Ok(());
        }
        (&mut self.running).await.context("ingest ended abnormally")??;
        anyhow::bail!("ingest ended unasked")
    }

    fn counted(&self) -> u64 {
        let families = self.metrics.gather();
        let events = families.iter().find(|family| family.name() == EVENTS);
        let metric = events.and_then(|family| family.get_metric().first());
        metric.map_or(0, |metric| metric.get_counter().get_value() as u64)
    }
}

/// Gives up where nothing moves.
struct Moved {
    at: u64,
    since: Instant,
}

impl Moved {
    fn now() -> Moved {
        Moved {
            at: 0,
            since: Instant::now(),
        }
    }

    fn at(&mut self, at: u64) {
        if at != self.at {
            (self.at, self.since) = (at, Instant::now());
        }
    }

    fn check(&self, what: &str) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.since.elapsed() < PATIENCE,
            "waited {} s for {what}: it stands at {}",
            PATIENCE.as_secs(),
            self.at
        );
        Ok(())
    }
}
