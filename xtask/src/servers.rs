//! `cargo xtask servers`: the set of servers that the tests use, for a person.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use ceteris_testkit::servers::{Environment, Servers};
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Where the servers keep their files; a temporary folder where it is left out.
    #[arg(long)]
    data_dir: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let place = Place::new(arguments.data_dir.as_deref())?;
    runtime()?.block_on(async {
        let servers = Servers::start(place.path()).await?;
        print(&servers.environment(), &mut std::io::stdout())?;
        eprintln!("\nrunning until Ctrl-C; files below {}", place.path().display());
        until_told().await?;
        drop(servers);
        Ok(ExitCode::SUCCESS)
    })
}

/// Prints the variables as `export` lines, with which programs of a shell find the servers.
pub(crate) fn print(environment: &Environment, to: &mut dyn Write) -> anyhow::Result<()> {
    for (name, value) in environment {
        writeln!(to, "export {name}='{value}'").context("print the environment")?;
    }
    Ok(())
}

/// Returns on Ctrl-C or SIGTERM.
pub(crate) async fn until_told() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    tokio::select! {
        told = tokio::signal::ctrl_c() => told.context("listen for Ctrl-C"),
        _ = terminate.recv() => Ok(()),
    }
}

pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Runtime::new().context("start the async runtime")
}

/// A folder that the user named, or a temporary one that is removed at the end.
pub(crate) enum Place {
    Named(PathBuf),
    Own(TempDir),
}

impl Place {
    pub(crate) fn new(named: Option<&Path>) -> anyhow::Result<Place> {
        match named {
            None => Ok(Place::Own(
                tempfile::tempdir().context("create a temporary folder")?,
            )),
            Some(path) => {
                std::fs::create_dir_all(path).with_context(|| format!("create {}", path.display()))?;
                let path = path
                    .canonicalize()
                    .with_context(|| format!("find {}", path.display()))?;
                Ok(Place::Named(path))
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        match self {
            Place::Named(path) => path,
            Place::Own(folder) => folder.path(),
        }
    }
}
