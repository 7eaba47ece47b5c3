//! What each verb does.

mod bench;
mod decisions;
pub(crate) mod demo;
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
mod serve;
mod up;
mod world;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use ceteris_chassis::pool;
use ceteris_contract::dataset::Dataset;
use ceteris_contract::problem::Problem;
use ceteris_lake::DatasetInfo;
use ceteris_trainer::{TrainError, TrainOptions, Trained};

use crate::cli::{Cli, ModelVerb, ProblemVerb, Verb};
use crate::output::bad_input;
use crate::progress::Stage;

/// Does what the command line says.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<()> {
    let format = cli.format;
    match cli.verb {
        Verb::Demo(args) => demo::run(format, args).await,
        Verb::Up(args) => up::run(args).await,
        Verb::Run(args) => run::run(format, args).await,
        Verb::Decisions(args) => decisions::run(format, args).await,
        Verb::Bench { verb } => bench::run(format, verb).await,
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

/// Where a verb keeps everything: the folder the user named, or one of its own that goes when the verb ends.
pub(crate) enum Scratch {
    Named(PathBuf),
    Own(PathBuf),
}

impl Scratch {
    pub(crate) fn path(&self) -> &Path {
        match self {
            Scratch::Named(path) | Scratch::Own(path) => path,
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Scratch::Own(path) = self {
            // It lies in the system's temporary folder; what cannot be removed now goes with that.
            let _ = std::fs::remove_dir_all(path);
        }
    }
}

/// The folder the user named, else a new one in the system's temporary folder.
fn scratch(named: Option<&Path>, verb: &str) -> anyhow::Result<Scratch> {
    if let Some(path) = named {
        return Ok(Scratch::Named(path.to_path_buf()));
    }
    for attempt in 0..1000 {
        let path = std::env::temp_dir().join(format!("ceteris-{verb}-{}-{attempt}", std::process::id()));
        match std::fs::create_dir(&path) {
            Ok(()) => return Ok(Scratch::Own(path)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| format!("create {}", path.display())),
        }
    }
    anyhow::bail!("no free name for a temporary folder")
}

/// Trains on the CPU pool with progress; with a place, the dataset is kept there under its digest.
async fn train(
    problem: Arc<Problem>,
    data: Dataset,
    options: TrainOptions,
    keep: Option<(PathBuf, DatasetInfo)>,
) -> anyhow::Result<Trained> {
    let stage = Stage::start("train", 0);
    let work = move || -> anyhow::Result<(Trained, Stage)> {
        if let Some((folder, info)) = keep {
            std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
            let file = folder.join(format!("{}-{}.parquet", problem.name, &data.digest()[..12]));
            ceteris_lake::write_dataset_file(&file, &data, &info).context("keep the dataset")?;
        }
        let watch = |progress: ceteris_causal::dml::Progress| {
            stage.total(progress.total as u64);
            stage.at(progress.done as u64);
            ControlFlow::Continue(())
        };
        let trained =
            ceteris_trainer::train(&problem, &data, &options, &watch).map_err(|error| match error {
                TrainError::Gate { .. } | TrainError::NothingIdentified { .. } => {
                    bad_input(error.to_string())
                }
                other => anyhow::Error::new(other),
            })?;
        Ok((trained, stage))
    };
    let (trained, stage) = pool::run(work).await.context("train")??;
    stage.done(&format!("{} effects", trained.manifest.what.effects.len()));
    Ok(trained)
}
