//! Every service at work in this process, on one data folder.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ceteris_chassis::health::Health;
use ceteris_chassis::{Shutdown, ops};
use ceteris_contract::problem::Problem;
use ceteris_contract::topics::CAUSAL_DECISIONS;
use ceteris_decide::Server;
use ceteris_store::DecisionStore;
use ceteris_stream::EventLog;
use prometheus::Registry as Metrics;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::folder::DataFolder;
use crate::ports::Ports;

/// How long the store may take to hold every answered decision on the way out.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);
/// How often a position is looked at while something is waited for.
const LOOK: Duration = Duration::from_millis(20);

/// Where a house listens.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// Of the decision API.
    pub api: SocketAddr,
    /// Of /metrics.
    pub metrics: SocketAddr,
}

/// All services, running.
pub struct House {
    /// What they work on.
    pub folder: DataFolder,
    /// Where they listen.
    pub addresses: Addresses,
    /// How they are reached.
    pub ports: Ports,
    front: Shutdown,
    back: Shutdown,
    decide: JoinHandle<anyhow::Result<()>>,
    workers: Vec<JoinHandle<anyhow::Result<()>>>,
}

impl House {
    /// Starts every service for these problems. Returns once the API listens.
    ///
    /// # Errors
    /// Where it cannot listen, or a service does not start.
    pub async fn start(
        folder: DataFolder,
        problems: &[Arc<Problem>],
        listen: SocketAddr,
        metrics_listen: SocketAddr,
    ) -> anyhow::Result<House> {
        let (front, back) = (Shutdown::new(), Shutdown::new());
        let metrics = Metrics::new();
        let metrics_listener = TcpListener::bind(metrics_listen)
            .await
            .with_context(|| format!("cannot listen on {metrics_listen}"))?;
        let ingest = ceteris_ingest::Deps {
            log: folder.log.clone(),
            lake: folder.lake.clone(),
            features: folder.features.clone(),
            problems: problems.to_vec(),
            identity: folder.identity.clone(),
            clock: folder.clock.clone(),
            owner: folder.owner,
            registry: metrics.clone(),
        };
        let tracker = ceteris_tracker::Deps {
            log: folder.log.clone(),
            store: folder.store.clone(),
            registry: metrics.clone(),
        };
        let server = decision_api(&folder, listen, &metrics, &front).await?;
        let addresses = Addresses {
            api: server.local_addr()?,
            metrics: metrics_listener.local_addr().context("metrics address")?,
        };
        let scrape = ops::serve(metrics_listener, metrics.clone(), Health::default(), back.clone());
        let workers = vec![
            tokio::spawn(ceteris_ingest::run(
                ceteris_ingest::Config::default(),
                ingest,
                back.clone(),
            )),
            tokio::spawn(ceteris_tracker::run(tracker, back.clone())),
            tokio::spawn(async { scrape.await.context("serve metrics") }),
        ];
        Ok(House {
            ports: folder.ports(format!("http://{}", addresses.api)),
            folder,
            addresses,
            front,
            back,
            decide: tokio::spawn(server.run()),
            workers,
        })
    }

    /// Returns when a service ended by itself, with its error.
    pub async fn failed(&mut self) -> anyhow::Error {
        loop {
            if self.decide.is_finished() {
                return ended("decide", (&mut self.decide).await);
            }
            if let Some(at) = self.workers.iter().position(JoinHandle::is_finished) {
                return ended("a worker", self.workers.swap_remove(at).await);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Looks whether all services are at work.
    ///
    /// # Errors
    /// That of a service which has ended.
    pub async fn check(&mut self) -> anyhow::Result<()> {
        let ended = self.decide.is_finished() || self.workers.iter().any(JoinHandle::is_finished);
        if ended { Err(self.failed().await) } else { Ok(()) }
    }

    /// Ends in order: answers what is in flight, ships the journal, stores what the log holds, then the workers.
    ///
    /// # Errors
    /// That of a service which ended badly.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.front.cancel();
        self.decide.await.context("the decision API ended abnormally")??;
        let drained = tokio::time::timeout(DRAIN_TIMEOUT, drained(&self.folder)).await;
        match drained {
            Ok(result) => result?,
            Err(_) => tracing::warn!("the store has not caught up; it goes on at the next start"),
        }
        self.back.cancel();
        for worker in self.workers {
            worker.await.context("a worker ended abnormally")??;
        }
        self.folder.keep_clock()?;
        self.folder.store.close().await;
        Ok(())
    }
}

fn ended(who: &str, result: Result<anyhow::Result<()>, tokio::task::JoinError>) -> anyhow::Error {
    match result {
        Ok(Ok(())) => anyhow::anyhow!("{who} ended unasked"),
        Ok(Err(error)) => error.context(format!("{who} failed")),
        Err(error) => anyhow::Error::new(error).context(format!("{who} ended abnormally")),
    }
}

async fn drained(folder: &DataFolder) -> anyhow::Result<()> {
    let ends = folder
        .log
        .end_offsets(CAUSAL_DECISIONS)
        .await
        .context("read the log's ends")?;
    for (partition, end) in ends.iter().enumerate() {
        while folder
            .store
            .next_offset(CAUSAL_DECISIONS, partition as u32)
            .await
            .context("read positions")?
            < *end
        {
            tokio::time::sleep(LOOK).await;
        }
    }
    Ok(())
}

/// The decision API on a data folder, listening; it answers once it is run.
///
/// # Errors
/// Where it cannot listen, or its journal cannot be opened.
pub async fn decision_api(
    folder: &DataFolder,
    listen: SocketAddr,
    metrics: &Metrics,
    shutdown: &Shutdown,
) -> anyhow::Result<Server> {
    let mut config = ceteris_decide::config::Config::new(folder.path.join("spool"));
    config.listen = listen;
    config.topic_partitions = u32::from(folder.settings.partitions);
    // A simulated world stands still between events; only there may a request choose its instant.
    config.at_allowed = folder.clock.follows_events();
    config.poll_interval = Duration::from_millis(250);
    let deps = ceteris_decide::Deps {
        registry: folder.registry.clone(),
        features: folder.features.clone(),
        // A linear effect costs less to compute than to look up.
        effects: Arc::new(ceteris_decide::NoCache),
        log: folder.log.clone(),
        clock: folder.clock.clone(),
        identity: folder.identity.clone(),
        metrics: metrics.clone(),
    };
    Server::start(config, deps, shutdown.clone())
        .await
        .context("start the decision API")
}
