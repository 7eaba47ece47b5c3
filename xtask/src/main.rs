//! Repository helpers: `cargo xtask tidy` proves what ARCHITECTURE.md says is absent, `servers` and `fleet` run what the
//! tests run, for a person.

mod fleet;
mod servers;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Check dependencies, licences, test programs, source files and pages.
    Tidy,
    /// Start Apache Kafka, Redis, PostgreSQL and an S3 server, print the environment to export, and end them on Ctrl-C.
    Servers(servers::Arguments),
    /// Build the services with their production backends and run them over real servers.
    Fleet(fleet::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().task {
        Task::Tidy => return tidy(),
        Task::Servers(arguments) => servers::run(&arguments),
        Task::Fleet(arguments) => fleet::run(&arguments),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn tidy() -> ExitCode {
    match tidy::run(&root()) {
        Ok(faults) if faults.is_empty() => ExitCode::SUCCESS,
        Ok(faults) => {
            for fault in &faults {
                eprintln!("{fault}");
            }
            eprintln!("tidy: {} faults", faults.len());
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(2)
        }
    }
}

/// The workspace's root: the parent of this package's folder. Cargo says where that is when it runs a program; what it said
/// when it built this one may be of another checkout that shared the build folder.
fn root() -> PathBuf {
    let built = || env!("CARGO_MANIFEST_DIR").into();
    let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(built));
    here.parent().unwrap_or(&here).to_path_buf()
}
