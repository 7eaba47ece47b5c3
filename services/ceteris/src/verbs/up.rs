//! `ceteris up`: the whole fleet in one process on a data folder.

use std::sync::Arc;

use anyhow::Context;
use ceteris_contract::problem::Problem;

use crate::cli::Up;
use crate::fleet::Fleet;
use crate::house::{House, World};
use crate::output::bad_input;
use crate::verbs::read_problem;
use crate::verbs::serve::{loopback_only, until_ended};

pub(crate) async fn run(args: Up) -> anyhow::Result<()> {
    let listen = loopback_only(args.listen)?;
    let given = args.problem.as_deref().map(read_problem).transpose()?;
    let house = House::open(&args.data_dir, World::Real).await?;
    if let Some((problem, yaml)) = &given {
        house
            .registry
            .put_problem(&problem.name, yaml, house.clock.now())
            .await
            .context("register the problem")?;
    }
    let problems = registered(&house).await?;
    if problems.is_empty() {
        return Err(bad_input(format!(
            "{} holds no problem; give one with --problem, or make the folder with `ceteris demo` or `ceteris run`",
            args.data_dir.display()
        )));
    }
    let fleet = Fleet::start(house, &problems, listen, args.metrics_listen).await?;
    let names: Vec<&str> = problems.iter().map(|problem| problem.name.as_str()).collect();
    eprintln!(
        "serving {} on http://{} (metrics on http://{}/metrics)",
        names.join(", "),
        fleet.addresses.api,
        fleet.addresses.metrics
    );
    until_ended(fleet).await
}

/// The newest version of every problem in the folder's registry.
pub(crate) async fn registered(house: &House) -> anyhow::Result<Vec<Arc<Problem>>> {
    let mut problems = Vec::new();
    for name in house.registry.problems().await.context("list problems")? {
        let Some(source) = house
            .registry
            .get_problem(&name, None)
            .await
            .context("read a problem")?
        else {
            continue;
        };
        let problem = Problem::from_yaml(&source.yaml).map_err(|faults| {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            anyhow::anyhow!(
                "problem {name} in the registry cannot be read: {}",
                faults.join("; ")
            )
        })?;
        problems.push(Arc::new(problem));
    }
    Ok(problems)
}
