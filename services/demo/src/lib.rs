#![doc = include_str!("../README.md")]

mod ask;
mod deployment;
mod explain;
#[cfg(feature = "fleet")]
mod fleet;
mod pipeline;
mod report;
mod truth;
mod world;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use ceteris_contract::decide::DecideRequest;
use ceteris_contract::duration::Span;
use ceteris_contract::problem::Problem;

use crate::deployment::Deployment;
pub use crate::report::Report;
pub use crate::world::environment;

const PROBLEM: &str = include_str!("../../../deploy/problems/ecommerce.yaml");
/// Decisions asked for over HTTP.
const DECISIONS: usize = 2_000;

/// What is simulated, and what it is simulated on.
#[derive(Clone, Debug)]
pub struct Options {
    /// Simulated users, from 500.
    pub users: u64,
    /// Seed of the simulated world.
    pub seed: u64,
    /// What is driven.
    pub on: On,
}

/// What a demo drives.
#[derive(Clone, Debug)]
pub enum On {
    /// Every service in this process.
    House {
        /// Its data folder; must be empty or new.
        folder: PathBuf,
        /// Address of the decision API; a free port where it is left out.
        listen: Option<SocketAddr>,
        /// Address of /metrics; a free port where it is left out.
        metrics_listen: Option<SocketAddr>,
    },
    /// Separate services over their own backends, which the environment names.
    Fleet,
}

/// A demo that has decided; its services go on.
pub struct Demo {
    /// What was estimated and decided, beside the truth.
    pub report: Report,
    /// The same for people.
    pub text: String,
    /// A decision to ask for next.
    pub next: DecideRequest,
    deployment: Deployment,
}

/// Simulates, trains and decides, with progress on stderr.
///
/// # Errors
/// Too few users, a used folder, and a fleet of another world are the caller's bad input; others are those of the services.
pub async fn run(options: &Options) -> anyhow::Result<Demo> {
    let world = world::simulated(options.users, options.seed)?;
    let problem = Arc::new(Problem::from_yaml(PROBLEM).map_err(|faults| {
        anyhow::anyhow!(
            "the shipped problem has faults: {}",
            faults.iter().map(ToString::to_string).collect::<String>()
        )
    })?);
    let mut deployment = Deployment::open(&options.on, options.seed, &problem).await?;

    let seconds = &mut report::Seconds::default();
    let before = deployment.ports().stored().await?;
    let events = pipeline::simulate(&mut deployment, &problem, &world, seconds).await?;
    let learned = deployment.learn(&problem, &world, options.seed, seconds).await?;
    let requests = world.requests(DECISIONS, Some(world.end()), Span(0));
    let version = &learned.model.manifest.version;
    let answers = ask::ask(&deployment.ports().api, version, options.seed, requests, seconds).await?;
    let stored = deployment.decisions_stored(before + answers.len() as u64).await? - before;
    deployment.keep_clock()?;
    let measured = report::Measured {
        options,
        events,
        rows: learned.rows,
        ate_truth: learned.ate_truth,
        model: &learned.model,
        answers: &answers,
        stored,
    };
    let report = Report::new(&world, &measured, *seconds)?;
    let explained = explain::three(&world, &problem, &answers);
    let next = world.requests(1, None, Span(0)).into_iter().next();
    Ok(Demo {
        text: report::text(&report, &learned.model, &explained),
        report,
        next: next.context("a user to ask for")?,
        deployment,
    })
}

impl Demo {
    /// `http://host:port` of the decision API.
    pub fn api(&self) -> &str {
        &self.deployment.ports().api
    }

    /// Where this process shows its metrics, if its services run here.
    pub fn metrics(&self) -> Option<SocketAddr> {
        self.deployment.metrics()
    }

    /// Serves until Ctrl-C; a fleet goes on.
    ///
    /// # Errors
    /// That of a service which ended by itself, or badly.
    pub async fn serve(self) -> anyhow::Result<()> {
        self.deployment.serve().await
    }

    /// Ends the services of this process; a fleet goes on.
    ///
    /// # Errors
    /// That of a service which ended badly.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.deployment.stop().await
    }
}
