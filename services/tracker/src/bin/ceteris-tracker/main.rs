//! `ceteris-tracker`: decisions from Kafka into PostgreSQL, each once.

mod settings;

use std::process::ExitCode;

use ceteris_chassis::service::{self, Chassis, Program};
use ceteris_chassis::start::until_up;
use ceteris_contract::topics::CAUSAL_DECISIONS;
use ceteris_tracker::Deps;

use crate::settings::Tracker;

const PROGRAM: Program = Program {
    name: "ceteris-tracker",
    about: "Decisions from Kafka into PostgreSQL, each once.",
    defaults: include_str!("../../../default.toml"),
};

fn main() -> ExitCode {
    service::main(PROGRAM, Tracker::read, run)
}

async fn run(settings: Tracker, chassis: Chassis) -> anyhow::Result<()> {
    let Chassis {
        shutdown,
        metrics,
        health,
    } = chassis;
    let log = settings.kafka.open()?;
    until_up("kafka", &health, &shutdown, || {
        settings.kafka.ensure_topics(&*log, &[CAUSAL_DECISIONS])
    })
    .await?;
    let store = until_up("postgresql", &health, &shutdown, || settings.postgres.connect()).await?;
    let deps = Deps {
        log,
        store,
        registry: metrics,
    };
    ceteris_tracker::run_with(settings.tracker, deps, shutdown).await
}
