//! What each verb does.

mod bench;
mod decisions;
mod demo;
pub(crate) mod effect;
pub(crate) mod estimate;
mod evaluate;
mod fit_effect;
pub(crate) mod graph;
mod identify;
#[cfg(feature = "postgres")]
mod migrate;
mod model;
mod problem;
#[cfg(feature = "fleet")]
mod provision;
mod run;
mod up;
mod world;

use std::path::Path;

use ceteris_contract::problem::Problem;
use ceteris_terminal::bad_input;

use crate::cli::{Cli, ModelVerb, ProblemVerb, Verb};

/// Does what the command line says.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<()> {
    let format = cli.format;
    match cli.verb {
        Verb::Demo(args) => demo::run(format, args).await,
        Verb::Up(args) => up::run(args).await,
        Verb::Run(args) => run::run(format, args).await,
        Verb::Decisions(args) => decisions::run(format, args).await,
        Verb::Bench { bench } => bench::run(format, &bench),
        Verb::Identify(args) => identify::run(format, &args),
        Verb::Graph { verb } => graph::run(format, verb),
        Verb::Estimate(args) => estimate::run(format, &args),
        #[cfg(feature = "postgres")]
        Verb::Migrate(args) => migrate::run(format, args).await,
        #[cfg(feature = "fleet")]
        Verb::Provision(args) => provision::run(format, args).await,
        Verb::World(args) => world::run(format, &args),
        Verb::FitEffect(args) => fit_effect::run(format, &args),
        Verb::Effect(args) => effect::run(format, &args),
        Verb::Evaluate(args) => evaluate::run(format, &args),
        Verb::Model {
            verb: ModelVerb::List { data_dir, problem },
        } => model::list(format, &data_dir, problem.as_deref()).await,
        Verb::Model {
            verb: ModelVerb::Show { version, data_dir },
        } => model::show(format, &data_dir, &version).await,
        Verb::Problem {
            verb: ProblemVerb::Check { file },
        } => problem::check(format, &file),
    }
}

/// The text of a file the user named.
fn read_text(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).map_err(|error| {
        let fix = match error.kind() {
            std::io::ErrorKind::InvalidData => "; save the file as UTF-8",
            _ => "",
        };
        bad_input(format!("{}: {error}{fix}", path.display()))
    })
}

/// A problem file, read and checked; all its faults in one message.
fn read_problem(path: &Path) -> anyhow::Result<(Problem, String)> {
    let text = read_text(path)?;
    match Problem::from_yaml(&text) {
        Ok(problem) => Ok((problem, text)),
        Err(faults) => {
            let lines: Vec<String> = faults.iter().map(|fault| format!("  {fault}")).collect();
            Err(bad_input(format!(
                "{} has {} faults\n{}",
                path.display(),
                faults.len(),
                lines.join("\n")
            )))
        }
    }
}
