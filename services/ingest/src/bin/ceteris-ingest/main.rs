//! `ceteris-ingest`: user events and decisions from Kafka into online features and the lake.

mod settings;

use std::process::ExitCode;

use ceteris_backends::problems::follow;
use ceteris_chassis::entropy::nonce;
use ceteris_chassis::service::{self, Chassis, Program};
use ceteris_chassis::start::until_up;
use ceteris_contract::topics::{CAUSAL_DECISIONS, USER_EVENTS};
use ceteris_feature_store::Owner;
use ceteris_ingest::Deps;

use crate::settings::Ingest;

const PROGRAM: Program = Program {
    name: "ceteris-ingest",
    about: "User events and decisions from Kafka into online features and the lake.",
    defaults: include_str!("../../../default.toml"),
};

fn main() -> ExitCode {
    service::main(PROGRAM, Ingest::read, run)
}

async fn run(settings: Ingest, chassis: Chassis) -> anyhow::Result<()> {
    let Chassis {
        shutdown,
        metrics,
        health,
    } = chassis;
    let log = settings.kafka.open()?;
    let features = settings.redis.features(settings.kafka.partitions)?;
    until_up("kafka", &health, &shutdown, || {
        settings
            .kafka
            .ensure_topics(&*log, &[USER_EVENTS, CAUSAL_DECISIONS])
    })
    .await?;
    let lake = until_up("object storage", &health, &shutdown, || {
        settings.storage.lake(settings.buckets, settings.clock.now())
    })
    .await?;
    until_up("redis", &health, &shutdown, async || Ok(features.check().await?)).await?;
    let registry = settings.storage.registry();
    let problems = follow(registry, settings.problems_interval, &health, &shutdown).await?;
    let deps = Deps {
        log,
        lake,
        features,
        problems: Vec::new(),
        identity: settings.identity,
        clock: settings.clock,
        owner: Owner(nonce()?),
        registry: metrics,
    };
    ceteris_ingest::run_following(settings.ingest, deps, problems, shutdown).await
}
