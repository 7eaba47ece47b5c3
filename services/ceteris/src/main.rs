#![doc = include_str!("../README.md")]

mod cli;
mod progress;
mod tables;
mod verbs;

use std::process::ExitCode;

use ceteris_chassis::telemetry::{self, LogFormat};
use ceteris_terminal::exit_code;
use clap::Parser;

use crate::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    telemetry::init(LogFormat::Text, "warn");
    exit_code("ceteris", verbs::run(cli).await)
}
