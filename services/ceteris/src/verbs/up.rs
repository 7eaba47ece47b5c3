//! `ceteris up`: all services in one process on a data folder.

use anyhow::Context;
use ceteris_house::{DataFolder, House, Origin, loopback_only};
use ceteris_terminal::bad_input;

use crate::cli::Up;
use crate::verbs::read_problem;

pub(crate) async fn run(args: Up) -> anyhow::Result<()> {
    let listen = loopback_only(args.listen)?;
    let given = args.problem.as_deref().map(read_problem).transpose()?;
    let folder = DataFolder::open(&args.data_dir, Origin::Real).await?;
    if let Some((problem, yaml)) = &given {
        folder
            .registry
            .put_problem(&problem.name, yaml, folder.clock.now())
            .await
            .context("register the problem")?;
    }
    let problems = folder.problems().await?;
    if problems.is_empty() {
        return Err(bad_input(format!(
            "{} holds no problem; give one with --problem, or make the folder with `ceteris demo` or `ceteris run`",
            args.data_dir.display()
        )));
    }
    let house = House::start(folder, &problems, listen, args.metrics_listen).await?;
    let names: Vec<&str> = problems.iter().map(|problem| problem.name.as_str()).collect();
    eprintln!(
        "serving {} on http://{} (metrics on http://{}/metrics)",
        names.join(", "),
        house.addresses.api,
        house.addresses.metrics
    );
    house.serve().await
}
