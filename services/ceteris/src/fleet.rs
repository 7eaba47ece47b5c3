//! Every service of the fleet in one process, over one house.

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

use crate::ground::Ground;
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
    pub(crate) ground: Ground,
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
        let ground = Ground {
            log: house.log.clone(),
            lake: house.lake.clone(),
            features: house.features.clone(),
            registry: house.registry.clone(),
            store: house.store.clone(),
            identity: house.identity.clone(),
            api: format!("http://{}", addresses.api),
        };
        Ok(Fleet {
            house,
            addresses,
            ground,
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

    /// An error if a service has ended.
    pub(crate) async fn check(&mut self) -> anyhow::Result<()> {
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

pub(crate) fn decide_config(house: &House, listen: SocketAddr) -> ceteris_decide::config::Config {
    let mut config = ceteris_decide::config::Config::new(house.folder.join("spool"));
    config.listen = listen;
    config.topic_partitions = u32::from(house.settings.partitions);
    // A simulated world stands still between events; only there may a request choose its instant.
    config.at_allowed = house.clock.follows_events();
    config.poll_interval = Duration::from_millis(250);
    config
}

pub(crate) fn decide_deps(house: &House, metrics: &Metrics) -> ceteris_decide::Deps {
    ceteris_decide::Deps {
        registry: house.registry.clone(),
        features: house.features.clone(),
        // A linear effect costs less to compute than to look up.
        effects: Arc::new(ceteris_decide::NoCache),
        log: house.log.clone(),
        clock: house.clock.clone(),
        identity: house.identity.clone(),
        metrics: metrics.clone(),
    }
}
