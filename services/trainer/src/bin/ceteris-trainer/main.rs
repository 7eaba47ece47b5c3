//! `ceteris-trainer`: datasets into models, published, and promoted where every gate is passed.

mod settings;

use std::process::ExitCode;

use ceteris_chassis::service::{self, Chassis, Program};
use ceteris_trainer::Deps;

use crate::settings::Trainer;

const PROGRAM: Program = Program {
    name: "ceteris-trainer",
    about: "Datasets into models, published, and promoted where every gate is passed.",
    defaults: include_str!("../../../default.toml"),
};

fn main() -> ExitCode {
    service::main(PROGRAM, Trainer::read, run)
}

async fn run(settings: Trainer, chassis: Chassis) -> anyhow::Result<()> {
    let deps = Deps {
        datasets: settings.storage.datasets(),
        registry: settings.storage.registry(),
        clock: settings.clock,
        metrics: chassis.metrics,
    };
    ceteris_trainer::serve(settings.trainer, deps, chassis.shutdown).await
}
