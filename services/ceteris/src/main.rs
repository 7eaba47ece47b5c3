//! `ceteris`: the command line, and the whole fleet in one process on embedded backends.

mod cli;
mod fleet;
mod ground;
mod house;
mod output;
mod progress;
#[cfg(feature = "fleet")]
mod services;
mod verbs;

use std::process::ExitCode;

use ceteris_chassis::telemetry::{self, LogFormat};
use clap::Parser;

use crate::cli::Cli;
use crate::output::BadInput;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    telemetry::init(LogFormat::Text, "warn");
    match verbs::run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ceteris: {error:#}");
            // Bad input is the caller's to mend, anything else is ours or the machine's.
            if error.is::<BadInput>() {
                ExitCode::from(2)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}
