//! The command line: verbs and flags. What they do lives in `verbs`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

pub(crate) use ceteris_terminal::Format;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::verbs::effect::args::{Effect, Evaluate, FitEffect};
use crate::verbs::estimate::args::Estimate;
use crate::verbs::graph::GraphVerb;

/// Real-time causal decisions: which treatment changes the outcome, by how much, how sure, and which to give.
#[derive(Debug, Parser)]
#[command(name = "ceteris", version, about, max_term_width = 110)]
pub(crate) struct Cli {
    /// json puts exactly one document on stdout; progress and logs go to stderr.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Simulate a shop, train on its events, serve decisions, and compare with the known truth.
    Demo(Demo),
    /// The whole fleet in one process on embedded backends.
    Up(Up),
    /// Train from a table with one row per unit, publish, serve.
    Run(Run),
    /// The decision log, one row per decision.
    Decisions(Decisions),
    /// Can data answer this causal question? The proof, from the graph alone.
    Identify(Identify),
    /// What a causal graph is, looks like, implies and proves.
    Graph {
        #[command(subcommand)]
        verb: GraphVerb,
    },
    /// Double machine learning on a table.
    Estimate(Estimate),
    /// Bring the schema of the decision store up to date. Nothing else changes it; two runs at once do no harm.
    #[cfg(feature = "postgres")]
    Migrate(Migrate),
    /// Make what a fleet of separate services needs before its first event: topics, problems. Reads
    /// CETERIS__SECTION__KEY; run again it changes nothing.
    #[cfg(feature = "fleet")]
    Provision(Provision),
    /// The environment of services that live in one world: its identity key, and its clock.
    World(WorldOf),
    /// Learn effects per unit from a table.
    FitEffect(FitEffect),
    /// The effect of every row of a table, from a model that fit-effect left.
    Effect(Effect),
    /// Judge effects by held-out rows, and by the truth where it is known.
    Evaluate(Evaluate),
    /// Published models.
    Model {
        #[command(subcommand)]
        verb: ModelVerb,
    },
    /// How fast each part is, beside what this machine allows in the same run.
    ///
    /// The benches are decide, ingest, store and etl; each takes --help. They are the program ceteris-bench, which is started
    /// from the folder of this one or from PATH.
    Bench {
        #[command(subcommand)]
        bench: BenchWords,
    },
    /// Problem files.
    Problem {
        #[command(subcommand)]
        verb: ProblemVerb,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Simulated users, from 500.
    #[arg(long, default_value_t = 20_000)]
    pub(crate) users: u64,
    /// Seed of the simulated world.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// End after the report instead of serving until Ctrl-C.
    #[arg(long)]
    pub(crate) once: bool,
    /// Drive separate services over their own backends, which CETERIS__SECTION__KEY in the environment name, instead of
    /// running everything in this process. Needs a build with the feature `fleet`.
    #[arg(long, conflicts_with_all = ["data_dir", "listen", "metrics_listen"])]
    pub(crate) fleet: bool,
    /// Where everything is kept; a temporary folder where it is left out. Must be empty or new.
    #[arg(long)]
    pub(crate) data_dir: Option<PathBuf>,
    /// Address of the decision API; a free port where it is left out.
    #[arg(long)]
    pub(crate) listen: Option<SocketAddr>,
    /// Address of /metrics; a free port where it is left out.
    #[arg(long)]
    pub(crate) metrics_listen: Option<SocketAddr>,
}

#[cfg(feature = "postgres")]
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// The database: postgres://user:password@host:port/database.
    #[arg(long, env = "CETERIS__POSTGRES__URL", hide_env_values = true)]
    pub(crate) store: String,
    /// Only say whether it is up to date (0: it is, 2: it is not).
    #[arg(long)]
    pub(crate) check: bool,
}

#[cfg(feature = "fleet")]
#[derive(Debug, Args)]
pub(crate) struct Provision {
    /// Problem files to register.
    #[arg(long)]
    pub(crate) problem: Vec<PathBuf>,
    /// Check the files and the environment, say every fault, and end (0: good, 2: faults).
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct WorldOf {
    /// The simulated world of this seed, as `demo --fleet --seed` runs it; left out: a real world, with a new key.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Where everything is kept.
    #[arg(long)]
    pub(crate) data_dir: PathBuf,
    /// A problem file to serve; those already in the folder's registry are served anyway.
    #[arg(long)]
    pub(crate) problem: Option<PathBuf>,
    /// Address of the decision API.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Address of /metrics.
    #[arg(long, default_value = "127.0.0.1:9090")]
    pub(crate) metrics_listen: SocketAddr,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The problem file.
    #[arg(long)]
    pub(crate) problem: PathBuf,
    /// The table: csv or csv.gz.
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// Where everything is kept; a temporary folder where it is left out.
    #[arg(long)]
    pub(crate) data_dir: Option<PathBuf>,
    /// End after publishing instead of serving until Ctrl-C.
    #[arg(long)]
    pub(crate) once: bool,
    /// Seed of the folds.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Folds of cross-fitting.
    #[arg(long, default_value_t = 5)]
    pub(crate) folds: u32,
    /// Address of the decision API; a free port where it is left out.
    #[arg(long)]
    pub(crate) listen: Option<SocketAddr>,
    /// Address of /metrics; a free port where it is left out.
    #[arg(long)]
    pub(crate) metrics_listen: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub(crate) struct Decisions {
    /// The folder of a fleet in one process.
    #[arg(long, required_unless_present = "store", conflicts_with_all = ["store", "lake"])]
    pub(crate) data_dir: Option<PathBuf>,
    /// The database of a fleet of separate services: postgres://user@host:port/database (the password may come from
    /// PGPASSWORD). Decisions that are still on their way into it are not in the export.
    #[arg(long)]
    pub(crate) store: Option<String>,
    /// Where that fleet keeps its lake, for the outcomes: s3://bucket/prefix or a folder (endpoint and keys from
    /// CETERIS__STORAGE__ENDPOINT and its kin). Without it there are no outcome columns.
    #[arg(long, requires = "store")]
    pub(crate) lake: Option<String>,
    /// Only decisions at or after this instant (RFC 3339).
    #[arg(long)]
    pub(crate) since: Option<String>,
    /// The file to write: csv, csv.gz, parquet or jsonl.
    #[arg(long)]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Identify {
    /// The graph: JSON, Graphviz DOT, dagitty text, or a problem file.
    #[arg(long)]
    pub(crate) graph: PathBuf,
    /// Treatments.
    #[arg(long, value_delimiter = ',', required = true)]
    pub(crate) treatment: Vec<String>,
    /// Outcomes.
    #[arg(long, value_delimiter = ',', required = true)]
    pub(crate) outcome: Vec<String>,
    /// What is conditioned on.
    #[arg(long, value_delimiter = ',')]
    pub(crate) given: Vec<String>,
    /// Nodes that may not be adjusted for.
    #[arg(long, value_delimiter = ',')]
    pub(crate) forbid: Vec<String>,
    /// Nodes that every adjustment set must hold.
    #[arg(long, value_delimiter = ',')]
    pub(crate) require: Vec<String>,
    /// What a node costs to measure, as node=cost; others cost 1. The cheapest adjustment set is named.
    #[arg(long, value_delimiter = ',', value_parser = node_cost)]
    pub(crate) cost: Vec<(String, u64)>,
    /// Which proof to look for.
    #[arg(long, value_enum, default_value_t = StrategyArg::Auto)]
    pub(crate) strategy: StrategyArg,
}

fn node_cost(text: &str) -> Result<(String, u64), String> {
    let (node, cost) = text.rsplit_once('=').ok_or("write node=cost")?;
    let cost = cost
        .parse()
        .map_err(|_| format!("the cost {cost} is no whole number"))?;
    Ok((node.to_owned(), cost))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StrategyArg {
    Auto,
    Backdoor,
    Frontdoor,
    Iv,
    Id,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelVerb {
    /// Versions and aliases.
    List {
        /// The folder of a fleet in one process.
        #[arg(long)]
        data_dir: PathBuf,
        /// One problem's only.
        #[arg(long)]
        problem: Option<String>,
    },
    /// One version's manifest.
    Show {
        /// The version, or an alias as `<problem>/<alias>`.
        version: String,
        /// The folder of a fleet in one process.
        #[arg(long)]
        data_dir: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProblemVerb {
    /// All faults of a problem file at once, each with its line and the fix.
    Check {
        /// The problem file.
        file: PathBuf,
    },
}

/// A bench and its flags, which the program ceteris-bench reads.
#[derive(Debug, Subcommand)]
pub(crate) enum BenchWords {
    #[command(external_subcommand)]
    Words(Vec<OsString>),
}
