//! `ceteris-etl`: the lake's events and decisions into counterfactual datasets.

mod settings;

use std::process::ExitCode;

use ceteris_chassis::service::{self, Chassis, Program};
use ceteris_chassis::start::until_up;
use ceteris_etl::Deps;

use crate::settings::Etl;

const PROGRAM: Program = Program {
    name: "ceteris-etl",
    about: "The lake's events and decisions into counterfactual datasets.",
    defaults: include_str!("../../../default.toml"),
};

fn main() -> ExitCode {
    service::main(PROGRAM, Etl::read, run)
}

async fn run(settings: Etl, chassis: Chassis) -> anyhow::Result<()> {
    let Chassis {
        shutdown,
        metrics,
        health,
    } = chassis;
    let lake = until_up("object storage", &health, &shutdown, || {
        settings.storage.lake(settings.buckets, settings.clock.now())
    })
    .await?;
    let deps = Deps {
        lake,
        datasets: settings.storage.datasets(),
        registry: settings.storage.registry(),
        log: settings.kafka.open()?,
        clock: settings.clock,
        metrics,
    };
    ceteris_etl::serve(settings.etl, deps, shutdown).await
}
