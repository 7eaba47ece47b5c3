//! What the demo drives: every service in this process, or a fleet of separate services over its own backends.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use ceteris_contract::problem::Problem;
use ceteris_contract::time::Timestamp;
use ceteris_contract::topics::USER_EVENTS;
use ceteris_features::SchemaHash;
#[cfg(feature = "fleet")]
use ceteris_house::fleet::Fleet;
use ceteris_house::{DataFolder, House, Origin, Ports, Trained, any_port, loopback_only};
use ceteris_synth::ecommerce::{START, World};
use ceteris_terminal::bad_input;

#[cfg(feature = "fleet")]
use crate::fleet;
use crate::report::Seconds;
use crate::{On, PROBLEM, pipeline, truth};

/// How often a position is looked at while something is waited for.
const LOOK: Duration = Duration::from_millis(20);
/// How long nothing may move while something is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// Running services.
pub(crate) enum Deployment {
    House(Box<House>),
    #[cfg(feature = "fleet")]
    Fleet(Box<Fleet>),
}

/// What came of a dataset.
pub(crate) struct Learned {
    /// The simulator's mean of the average effect over the dataset's rows.
    pub(crate) ate_truth: f64,
    pub(crate) rows: usize,
    pub(crate) model: Trained,
}

/// Starts every service in this process, on a new folder.
async fn house(
    folder: &Path,
    listen: Option<SocketAddr>,
    metrics_listen: Option<SocketAddr>,
    seed: u64,
    problem: &Arc<Problem>,
) -> anyhow::Result<House> {
    // A second world on top of a first one would have events of both.
    if folder.join("ceteris.json").exists() {
        return Err(bad_input(format!(
            "--data-dir {}: holds a fleet already; `ceteris up --data-dir` goes on with it, a demo needs a new folder",
            folder.display()
        )));
    }
    let listen = loopback_only(listen.unwrap_or_else(any_port))?;
    let metrics_listen = metrics_listen.unwrap_or_else(any_port);
    let folder = DataFolder::open(folder, Origin::Simulated { start: START, seed }).await?;
    let put = folder.registry.put_problem(&problem.name, PROBLEM, START).await;
    put.context("register the problem")?;
    House::start(folder, std::slice::from_ref(problem), listen, metrics_listen).await
}

impl Deployment {
    /// Starts the services of this process, or reaches those that the environment names.
    pub(crate) async fn open(on: &On, seed: u64, problem: &Arc<Problem>) -> anyhow::Result<Deployment> {
        match on {
            On::House {
                folder,
                listen,
                metrics_listen,
            } => {
                let house = house(folder, *listen, *metrics_listen, seed, problem).await?;
                Ok(Deployment::House(Box::new(house)))
            }
            #[cfg(feature = "fleet")]
            On::Fleet => {
                let fleet = Fleet::reach(std::env::vars()).await?;
                fleet::expect_world(&fleet, seed, problem).await?;
                Ok(Deployment::Fleet(Box::new(fleet)))
            }
            #[cfg(not(feature = "fleet"))]
            On::Fleet => Err(bad_input(
                "--fleet: this build has the embedded backends only; build with `--features fleet`",
            )),
        }
    }

    pub(crate) fn ports(&self) -> &Ports {
        match self {
            Deployment::House(house) => &house.ports,
            #[cfg(feature = "fleet")]
            Deployment::Fleet(fleet) => &fleet.ports,
        }
    }

    /// Where this process shows its metrics.
    pub(crate) fn metrics(&self) -> Option<SocketAddr> {
        match self {
            Deployment::House(house) => Some(house.addresses.metrics),
            #[cfg(feature = "fleet")]
            Deployment::Fleet(_) => None,
        }
    }

    /// Waits until the lake and the online features hold every event that the log holds now. `progress` gets the number
    /// of events in the lake.
    pub(crate) async fn events_taken_in(
        &mut self,
        schema: SchemaHash,
        progress: impl Fn(u64),
    ) -> anyhow::Result<()> {
        let ends = self.ports().log.end_offsets(USER_EVENTS).await;
        let ends = ends.context("read the log's ends")?;
        let mut waiting = Waiting::new("ingest to take the events in");
        loop {
            self.check().await?;
            let (taken, all) = self.ports().taken_in(&ends, schema).await?;
            progress(taken);
            if all {
                return Ok(());
            }
            waiting.look(taken).await?;
        }
    }

    /// Waits until `count` decisions are stored, and answers how many are.
    pub(crate) async fn decisions_stored(&mut self, count: u64) -> anyhow::Result<u64> {
        let mut waiting = Waiting::new("the decisions to be stored");
        loop {
            self.check().await?;
            let stored = self.ports().stored().await?;
            if stored >= count {
                return Ok(stored);
            }
            waiting.look(stored).await?;
        }
    }

    /// Makes the dataset as of the world's end, trains on it and promotes the model.
    pub(crate) async fn learn(
        &mut self,
        problem: &Arc<Problem>,
        world: &World,
        seed: u64,
        seconds: &mut Seconds,
    ) -> anyhow::Result<Learned> {
        let identity = self.ports().identity.clone();
        match self {
            Deployment::House(house) => {
                let started = Instant::now();
                let made = house.folder.dataset(problem, world.end(), seed).await?;
                seconds.etl = started.elapsed().as_secs_f64();
                let (ate_truth, rows) = truth::average(&identity, world, &made.dataset)?;
                let model =
                    pipeline::train_and_publish(&house.folder, problem, made, world.end(), seed, seconds)
                        .await?;
                Ok(Learned {
                    ate_truth,
                    rows,
                    model,
                })
            }
            #[cfg(feature = "fleet")]
            Deployment::Fleet(fleet) => {
                let (dataset, model) = fleet::learn(fleet, problem, world.end(), seed, seconds).await?;
                let (ate_truth, rows) = truth::average(&identity, world, &dataset)?;
                Ok(Learned {
                    ate_truth,
                    rows,
                    model,
                })
            }
        }
    }

    /// Tells the clock of this process how far the world has come; separate services follow the stream.
    pub(crate) fn observe(&self, now: Timestamp) {
        match self {
            Deployment::House(house) => house.folder.clock.observe(now),
            #[cfg(feature = "fleet")]
            Deployment::Fleet(_) => {}
        }
    }

    pub(crate) fn keep_clock(&self) -> anyhow::Result<()> {
        match self {
            Deployment::House(house) => house.folder.keep_clock(),
            #[cfg(feature = "fleet")]
            Deployment::Fleet(_) => Ok(()),
        }
    }

    async fn check(&mut self) -> anyhow::Result<()> {
        match self {
            Deployment::House(house) => house.check().await,
            // Whoever started them watches them; here only progress is seen.
            #[cfg(feature = "fleet")]
            Deployment::Fleet(_) => Ok(()),
        }
    }

    /// Serves until Ctrl-C; separate services go on.
    pub(crate) async fn serve(self) -> anyhow::Result<()> {
        match self {
            Deployment::House(house) => house.serve().await,
            #[cfg(feature = "fleet")]
            Deployment::Fleet(_) => tokio::signal::ctrl_c().await.context("listen for Ctrl-C"),
        }
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        match self {
            Deployment::House(house) => house.stop().await,
            #[cfg(feature = "fleet")]
            Deployment::Fleet(_) => Ok(()),
        }
    }
}

/// Looks again and again, and gives up where nothing moves.
struct Waiting {
    what: &'static str,
    at: u64,
    moved: Instant,
}

impl Waiting {
    fn new(what: &'static str) -> Waiting {
        Waiting {
            what,
            at: 0,
            moved: Instant::now(),
        }
    }

    async fn look(&mut self, at: u64) -> anyhow::Result<()> {
        if at != self.at {
            (self.at, self.moved) = (at, Instant::now());
        }
        anyhow::ensure!(
            self.moved.elapsed() < PATIENCE,
            "waited {} s for {}: it stands at {at}",
            PATIENCE.as_secs(),
            self.what
        );
        tokio::time::sleep(LOOK).await;
        Ok(())
    }
}
