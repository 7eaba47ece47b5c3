//! The words of `ceteris graph`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// What to ask of a graph.
#[derive(Debug, Subcommand)]
pub(crate) enum GraphVerb {
    /// Nodes, edges, districts and the digest.
    Show {
        /// The graph: JSON, Graphviz DOT, dagitty text, or a problem file.
        #[arg(long)]
        graph: PathBuf,
    },
    /// The graph in another form: a picture, or text that other programs read.
    Draw {
        /// The graph: JSON, Graphviz DOT, dagitty text, or a problem file.
        #[arg(long)]
        graph: PathBuf,
        /// The form.
        #[arg(long = "as", value_enum, default_value_t = Form::Mermaid)]
        form: Form,
        /// The file to write; standard output where it is left out.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// What changed between two versions, the estimands among it.
    Diff {
        /// The older version.
        older: PathBuf,
        /// The newer version.
        newer: PathBuf,
    },
    /// Paths between two nodes, with why each is open or closed.
    Paths(Paths),
    /// Independences that the graph implies and data could refute.
    Implications {
        /// The graph: JSON, Graphviz DOT, dagitty text, or a problem file.
        #[arg(long)]
        graph: PathBuf,
    },
    /// Is the graph compatible with a table?
    Check(Check),
    /// A proof by do-calculus, each step checked again.
    Derive(Asked),
    /// Natural effects through mediators and past them.
    Mediate {
        #[command(flatten)]
        asked: Asked,
        /// The mediators.
        #[arg(long, value_delimiter = ',', required = true)]
        mediator: Vec<String>,
    },
    /// The direct effect of one node on another.
    Direct(Asked),
}

/// A text form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    Svg,
    Mermaid,
    Dot,
    Dagitty,
    Json,
    NodeLink,
}

/// A question about an effect.
#[derive(Debug, Args)]
pub(crate) struct Asked {
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
}

/// Which paths.
#[derive(Debug, Args)]
pub(crate) struct Paths {
    /// The graph: JSON, Graphviz DOT, dagitty text, or a problem file.
    #[arg(long)]
    pub(crate) graph: PathBuf,
    /// Where they start.
    #[arg(long, value_delimiter = ',', required = true)]
    pub(crate) from: Vec<String>,
    /// Where they end.
    #[arg(long, value_delimiter = ',', required = true)]
    pub(crate) to: Vec<String>,
    /// What is conditioned on.
    #[arg(long, value_delimiter = ',')]
    pub(crate) given: Vec<String>,
    /// Open paths only.
    #[arg(long)]
    pub(crate) open: bool,
    /// Back-door paths only.
    #[arg(long)]
    pub(crate) back_door: bool,
    /// At most so many.
    #[arg(long, default_value_t = 100)]
    pub(crate) max: usize,
}

/// A graph against a table.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The graph: JSON, Graphviz DOT, dagitty text, or a problem file.
    #[arg(long)]
    pub(crate) graph: PathBuf,
    /// The table: csv or csv.gz. A node is measured by the column of its name, or by the one column it says.
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// The column whose values are units; rows of one unit share an error.
    #[arg(long)]
    pub(crate) unit: Option<String>,
    /// The test of an independence.
    #[arg(long, value_enum, default_value_t = TestArg::Partial)]
    pub(crate) test: TestArg,
    /// The chance that a right graph has any independence rejected.
    #[arg(long, default_value_t = 0.05)]
    pub(crate) level: f64,
    /// Correlations up to this size refute nothing.
    #[arg(long, default_value_t = 0.05)]
    pub(crate) effect_min: f64,
}

/// How an independence is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TestArg {
    /// Partial correlation.
    Partial,
    /// Regressions on splines, any dependence of ranks.
    Nonparametric,
}
