//! Every service of the fleet in one process, over one house.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ceteris_chassis::health::Health;
use ceteris_chassis::{Shutdown, ops};
use ceteris_contract::problem::Problem;
use ceteris_contract::topics::{CAUSAL_DECISIONS, USER_EVENTS};
use ceteris_decide::Server;
use ceteris_store::DecisionStore;
use ceteris_stream::EventLog;
use prometheus::Registry as Metrics;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::house::House;

/// How long the store may take to hold every answered decision on the way out.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);
/// How often a position is looked at while something is waited for.
const LOOK: Duration = Duration::from_millis(20);

/// Where the fleet listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    pub(crate) api: SocketAddr,
    pub(crate) metrics: SocketAddr,
}

/// A running fleet.
pub(crate) struct Fleet {
    pub(crate) house: House,
    pub(crate) addresses: Addresses,
    front: Shutdown,
    back: Shutdown,
    decide: JoinHandle<anyhow::Result<()>>,
    workers: Vec<JoinHandle<anyhow::Result<()>>>,
}

impl Fleet {
    /// Starts every service for these problems. Returns once the API listens.
    pub(crate) async fn start(
        house: House,
        problems: &[Arc<Problem>],
        listen: SocketAddr,
        metrics_listen: SocketAddr,
    ) -> anyhow::Result<Fleet> {
        let (front, back) = (Shutdown::new(), Shutdown::new());
        let metrics = Metrics::new();
        let metrics_listener = TcpListener::bind(metrics_listen)
            .await
            .with_context(|| format!("cannot listen on {metrics_listen}"))?;
        let ingest = ceteris_ingest::Deps {
            log: house.log.clone(),
            lake: house.lake.clone(),
            features: house.features.clone(),
            problems: problems.to_vec(),
            identity: house.identity.clone(),
            clock: house.clock.clone(),
            owner: house.owner,
            registry: metrics.clone(),
        };
        let tracker = ceteris_tracker::Deps {
            log: house.log.clone(),
            store: house.store.clone(),
            registry: metrics.clone(),
        };
        let server = Server::start(
            decide_config(&house, listen),
            decide_deps(&house, &metrics),
            front.clone(),
        )
        .await
        .context("start the decision API")?;
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
        let decide = tokio::spawn(server.run());
        Ok(Fleet {
            house,
            addresses,
            front,
            back,
            decide,
            workers,
        })
    }

    /// Returns when a service ended by itself, with its error.
    pub(crate) async fn failed(&mut self) -> anyhow::Error {
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

    /// Waits until the lake and the online features hold every event that the log holds now. `progress` gets the number
    /// of events in the lake.
    pub(crate) async fn events_taken_in(&mut self, progress: impl Fn(u64)) -> anyhow::Result<()> {
        let ends = self
            .house
            .log
            .end_offsets(USER_EVENTS)
            .await
            .context("read the log's ends")?;
        loop {
            self.check().await?;
            let offsets = self
                .house
                .lake
                .events()
                .offsets()
                .await
                .context("read the lake's positions")?;
            let at = |partition: usize| {
                offsets
                    .get(&(USER_EVENTS.to_owned(), partition as u32))
                    .copied()
                    .unwrap_or(0)
            };
            progress((0..ends.len()).map(at).sum());
            if ends
                .iter()
                .enumerate()
                .all(|(partition, end)| at(partition) >= *end)
            {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until the store holds every decision that was answered.
    pub(crate) async fn decisions_stored(&mut self, answered: u64) -> anyhow::Result<u64> {
        loop {
            self.check().await?;
            let stored = self.house.store.count().await.context("count decisions")?;
            if stored >= answered {
                return Ok(stored);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// An error if a service has ended.
    async fn check(&mut self) -> anyhow::Result<()> {
        let ended = self.decide.is_finished() || self.workers.iter().any(JoinHandle::is_finished);
        if ended { Err(self.failed().await) } else { Ok(()) }
    }

    /// Ends in order: answers what is in flight, ships the journal, stores what the log holds, then the workers.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.front.cancel();
        self.decide.await.context("the decision API ended abnormally")??;
        let drained = tokio::time::timeout(DRAIN_TIMEOUT, drained(&self.house)).await;
        match drained {
            Ok(result) => result?,
            Err(_) => tracing::warn!("the store has not caught up; it goes on at the next start"),
        }
        self.back.cancel();
        for worker in self.workers {
            worker.await.context("a worker ended abnormally")??;
        }
        self.house.keep_clock()?;
        self.house.store.close().await;
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

async fn drained(house: &House) -> anyhow::Result<()> {
    let ends = house
        .log
        .end_offsets(CAUSAL_DECISIONS)
        .await
        .context("read the log's ends")?;
    for (partition, end) in ends.iter().enumerate() {
        while house
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

fn decide_config(house: &House, listen: SocketAddr) -> ceteris_decide::config::Config {
    let mut config = ceteris_decide::config::Config::new(house.folder.join("spool"));
    config.listen = listen;
    config.topic_partitions = u32::from(house.settings.partitions);
    // A simulated world stands still between events; only there may a request choose its instant.
    config.at_allowed = house.clock.follows_events();
    config.poll_interval = Duration::from_millis(250);
    config
}

fn decide_deps(house: &House, metrics: &Metrics) -> ceteris_decide::Deps {
    ceteris_decide::Deps {
        registry: house.registry.clone(),
        features: house.features.clone(),
        log: house.log.clone(),
        clock: house.clock.clone(),
        identity: house.identity.clone(),
        metrics: metrics.clone(),
    }
}
