//! The command line: benches and their flags.

use std::path::PathBuf;

use ceteris_terminal::Format;
use clap::{Args, Parser, Subcommand};

/// How fast each part is, beside what this machine allows in the same run.
#[derive(Debug, Parser)]
#[command(
    name = "ceteris-bench",
    bin_name = "ceteris bench",
    version,
    about,
    max_term_width = 110,
    args_override_self = true
)]
pub(crate) struct Cli {
    /// json puts exactly one document on stdout; progress and logs go to stderr.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    #[command(subcommand)]
    pub(crate) bench: Bench,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Decisions over HTTP, beside a bare endpoint of the same JSON.
    Decide(Decide),
    /// Events from the log into lake and online features, beside a consumer that only parses them.
    Ingest(Ingest),
    /// Decision records into the store, beside the same rows written raw.
    Store(Store),
    /// A lake of events into a dataset, beside DuckDB where there is one.
    Etl(Etl),
}

#[derive(Debug, Args)]
pub(crate) struct Decide {
    /// Requests a second of the open loop.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) rate: u32,
    /// Seconds of each measurement; there are four of each kind of request.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) seconds: u32,
    /// Connections, which are kept.
    #[arg(long, default_value_t = 16, value_parser = connections)]
    pub(crate) connections: usize,
    /// Users of the simulated world whose decisions are asked for.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(500..=1_000_000))]
    pub(crate) users: u32,
    /// Seed of the simulated world.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// An API on this machine to measure instead of an own one, for example http://127.0.0.1:8080.
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// The API key to send there.
    #[arg(long, env = "CETERIS_API_KEY", hide_env_values = true, requires = "url")]
    pub(crate) key: Option<String>,
}

/// A number of connections.
fn connections(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(connections @ 1..=512) => Ok(connections),
        _ => Err("give 1 to 512".to_owned()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct Ingest {
    /// Events in the log before ingest starts.
    #[arg(long, default_value_t = 500_000, value_parser = clap::value_parser!(u64).range(1_000..=20_000_000))]
    pub(crate) events: u64,
    /// Events sent one by one afterwards, 100 a second, each timed until decisions read it.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pub(crate) visible: u32,
    /// Seed of the simulated world.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Work over Kafka, S3 and Redis, which CETERIS__SECTION__KEY in the environment name, instead of embedded backends.
    /// They must be new. Needs a build with the feature `fleet`.
    #[arg(long)]
    pub(crate) fleet: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Store {
    /// Records written.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(crate) decisions: u64,
    /// Records of a batch; the default is about the 8 MiB that make a write of the tracker due.
    #[arg(long, default_value_t = 1_800, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) batch: u32,
    /// A PostgreSQL on this machine that `ceteris migrate` has prepared, instead of SQLite in a temporary folder. What the
    /// bench writes there it takes out again. Needs a build with the feature `postgres`.
    #[arg(long)]
    pub(crate) store: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Etl {
    /// Users of the simulated world, each with about 41 events.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(500..=1_000_000))]
    pub(crate) users: u32,
    /// Seed of the simulated world.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How often the dataset is made.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) repeats: u32,
    /// A Python that has the package duckdb, to compare with.
    #[arg(long)]
    pub(crate) python: Option<PathBuf>,
}
