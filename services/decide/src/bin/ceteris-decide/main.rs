//! `ceteris-decide`: the decision API over the registry, Redis and Kafka.

mod settings;

use std::process::ExitCode;
use std::sync::Arc;

use ceteris_chassis::service::{self, Chassis, Program};
use ceteris_decide::{Deps, Server};

use crate::settings::Decide;

const PROGRAM: Program = Program {
    name: "ceteris-decide",
    about: "The decision API: which treatment changes the outcome, by how much, and which to give.",
    defaults: include_str!("../../../default.toml"),
};

fn main() -> ExitCode {
    service::main(PROGRAM, Decide::read, run)
}

/// Nothing is waited for at the start: each backend that is away is a decision made with less, and says so.
async fn run(settings: Decide, chassis: Chassis) -> anyhow::Result<()> {
    let Chassis {
        shutdown,
        metrics,
        health,
    } = chassis;
    let deps = Deps {
        registry: settings.storage.registry(),
        features: settings.redis.features(settings.kafka.partitions)?,
        effects: settings.effects.open(&settings.redis)?,
        log: settings.kafka.open()?,
        clock: settings.clock,
        identity: settings.identity,
        metrics,
    };
    let server = Server::start(settings.config, deps, shutdown).await?;
    let app = Arc::clone(server.app());
    let ready = move || match app.ready() {
        true => Ok(()),
        false => Err("not every problem is loaded, or decisions are no longer shipped".to_owned()),
    };
    health.probe("models", Arc::new(ready));
    server.run().await
}
