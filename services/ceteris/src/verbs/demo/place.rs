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
use ceteris_synth::ecommerce::{START, World};
use ceteris_trainer::Trained;

use crate::cli::Demo;
use crate::fleet::Fleet;
use crate::ground::Ground;
use crate::house::{self, House};
use crate::verbs::demo::report::Seconds;
use crate::verbs::demo::{pipeline, truth};
use crate::verbs::serve::{any_port, loopback_only, until_ended};

#[cfg(feature = "fleet")]
use crate::services::Services;

/// How often a position is looked at while something is waited for.
const LOOK: Duration = Duration::from_millis(20);
/// How long nothing may move while something is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running fleet.
pub(crate) enum Place {
    Process(Box<Fleet>),
    #[cfg(feature = "fleet")]
    Services(Box<Services>),
}

/// What came of a dataset.
pub(crate) struct Learned {
    /// The simulator's mean of the average effect over the dataset's rows.
    pub(crate) ate_truth: f64,
    pub(crate) rows: usize,
    pub(crate) model: Trained,
}

/// Starts every service in this process, on a new folder.
pub(crate) async fn process(
    folder: &Path,
    args: &Demo,
    problem: &Arc<Problem>,
    yaml: &str,
) -> anyhow::Result<Place> {
    let listen = loopback_only(args.listen.unwrap_or_else(any_port))?;
    let metrics_listen = args.metrics_listen.unwrap_or_else(any_port);
    let world = house::World::Simulated {
        start: START,
        seed: args.seed,
    };
    let house = House::open(folder, world).await?;
    let put = house.registry.put_problem(&problem.name, yaml, START).await;
    put.context("register the problem")?;
    let fleet = Fleet::start(house, std::slice::from_ref(problem), listen, metrics_listen).await?;
    Ok(Place::Process(Box::new(fleet)))
}

/// Reaches the services that the environment names.
#[cfg(feature = "fleet")]
pub(crate) async fn services(args: &Demo, problem: &Arc<Problem>) -> anyhow::Result<Place> {
    let services = Services::reach(std::env::vars()).await?;
    services.expect_world(args.seed, problem).await?;
    Ok(Place::Services(Box::new(services)))
}

/// Reaches no services: this build has the embedded backends only.
#[cfg(not(feature = "fleet"))]
pub(crate) async fn services(_: &Demo, _: &Arc<Problem>) -> anyhow::Result<Place> {
    Err(crate::output::bad_input(
        "--fleet: this build has the embedded backends only; build with `--features fleet`",
    ))
}

impl Place {
    pub(crate) fn ground(&self) -> &Ground {
        match self {
            Place::Process(fleet) => &fleet.ground,
            #[cfg(feature = "fleet")]
            Place::Services(services) => &services.ground,
        }
    }

    /// Where this process shows its metrics.
    pub(crate) fn metrics(&self) -> Option<SocketAddr> {
        match self {
            Place::Process(fleet) => Some(fleet.addresses.metrics),
            #[cfg(feature = "fleet")]
            Place::Services(_) => None,
        }
    }

    /// Waits until the lake and the online features hold every event that the log holds now. `progress` gets the number
    /// of events in the lake.
    pub(crate) async fn events_taken_in(
        &mut self,
        schema: SchemaHash,
        progress: impl Fn(u64),
    ) -> anyhow::Result<()> {
        let ends = self.ground().log.end_offsets(USER_EVENTS).await;
        let ends = ends.context("read the log's ends")?;
        let mut waiting = Waiting::new("ingest to take the events in");
        loop {
            self.check().await?;
            let (taken, all) = self.ground().taken_in(&ends, schema).await?;
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
            let stored = self.ground().stored().await?;
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
        let identity = self.ground().identity.clone();
        match self {
            Place::Process(fleet) => {
                let made = pipeline::dataset(fleet, problem, world.end(), seed, seconds).await?;
                let (ate_truth, rows) = truth::average(&identity, world, &made.dataset)?;
                let model =
                    pipeline::train_and_publish(fleet, problem, made, world.end(), seed, seconds).await?;
                Ok(Learned {
                    ate_truth,
                    rows,
                    model,
                })
            }
            #[cfg(feature = "fleet")]
            Place::Services(services) => {
                let (dataset, model) = services.learn(problem, world.end(), seed, seconds).await?;
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
            Place::Process(fleet) => fleet.house.clock.observe(now),
            #[cfg(feature = "fleet")]
            Place::Services(_) => {}
        }
    }

    pub(crate) fn keep_clock(&self) -> anyhow::Result<()> {
        match self {
            Place::Process(fleet) => fleet.house.keep_clock(),
            #[cfg(feature = "fleet")]
            Place::Services(_) => Ok(()),
        }
    }

    async fn check(&mut self) -> anyhow::Result<()> {
        match self {
            Place::Process(fleet) => fleet.check().await,
            // Whoever started them watches them; here only progress is seen.
            #[cfg(feature = "fleet")]
            Place::Services(_) => Ok(()),
        }
    }

    /// Serves until Ctrl-C; separate services go on.
    pub(crate) async fn until_ended(self) -> anyhow::Result<()> {
        match self {
            Place::Process(fleet) => until_ended(*fleet).await,
            #[cfg(feature = "fleet")]
            Place::Services(_) => tokio::signal::ctrl_c().await.context("listen for Ctrl-C"),
        }
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        match self {
            Place::Process(fleet) => fleet.stop().await,
            #[cfg(feature = "fleet")]
            Place::Services(_) => Ok(()),
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
