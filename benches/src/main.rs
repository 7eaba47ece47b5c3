#![doc = include_str!("../README.md")]

mod cli;
mod decide;
mod etl;
mod ingest;
mod latencies;
mod machine;
mod report;
mod schedule;
mod shop;
mod store;

use std::process::ExitCode;

use ceteris_chassis::telemetry::{self, LogFormat};
use ceteris_terminal::{exit_code, print};
use clap::Parser;

use crate::cli::{Bench, Cli};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    telemetry::init(LogFormat::Text, "warn");
    exit_code("ceteris-bench", run(cli).await)
}

/// Measures, and prints one report. A ratio is printed, never judged.
async fn run(cli: Cli) -> anyhow::Result<()> {
    let report = match cli.bench {
        Bench::Decide(args) => decide::run(args).await?,
        Bench::Ingest(args) => ingest::run(args).await?,
        Bench::Store(args) => store::run(args).await?,
        Bench::Etl(args) => etl::run(args).await?,
    };
    print(cli.format, &report, || report.text())
}
