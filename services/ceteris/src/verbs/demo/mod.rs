//! `ceteris demo`: a simulated shop, its events, a model, decisions, and the truth beside them.

mod ask;
mod explain;
mod pipeline;
mod report;
mod truth;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use ceteris_contract::duration::Span;
use ceteris_contract::problem::Problem;
use ceteris_synth::ecommerce::{DAYS_DEFAULT, START, World, WorldConfig};

use crate::cli::{Demo, Format};
use crate::fleet::Fleet;
use crate::house::{self, House};
use crate::output::{bad_input, print};
use crate::verbs::scratch;
use crate::verbs::serve::{any_port, loopback_only, until_ended};

const PROBLEM: &str = include_str!("../../../../../deploy/problems/ecommerce.yaml");
/// Fewer users leave some arm with too few rows to fit.
const USERS_MIN: u64 = 500;
/// Decisions asked for over HTTP.
const DECISIONS: usize = 2_000;

pub(crate) async fn run(format: Format, args: Demo) -> anyhow::Result<()> {
    let world = world(&args)?;
    let listen = loopback_only(args.listen.unwrap_or_else(any_port))?;
    let scratch = scratch(args.data_dir.as_deref(), "demo")?;
    refuse_a_used_folder(scratch.path())?;
    let problem = Arc::new(Problem::from_yaml(PROBLEM).map_err(|faults| {
        anyhow::anyhow!(
            "the shipped problem has faults: {}",
            faults.iter().map(ToString::to_string).collect::<String>()
        )
    })?);
    let house = House::open(
        scratch.path(),
        house::World::Simulated {
            start: START,
            seed: args.seed,
        },
    )
    .await?;
    house
        .registry
        .put_problem(&problem.name, PROBLEM, START)
        .await
        .context("register the problem")?;
    let metrics_listen = args.metrics_listen.unwrap_or_else(any_port);
    let problems = [problem.clone()];
    let mut fleet = Fleet::start(house, &problems, listen, metrics_listen).await?;

    let seconds = &mut report::Seconds::default();
    let events = pipeline::simulate(&mut fleet, &world, seconds).await?;
    let made = pipeline::dataset(&fleet, &problem, world.end(), args.seed, seconds).await?;
    let (ate_truth, rows) = truth::average(&fleet.house.identity, &world, &made.dataset)?;
    let model = pipeline::train_and_publish(&fleet, &problem, made, world.end(), args.seed, seconds).await?;
    let requests = world.requests(DECISIONS, Some(world.end()), Span(0));
    let answers = ask::ask(&mut fleet, &model.manifest.version, requests, seconds).await?;
    let stored = fleet.decisions_stored(answers.len() as u64).await?;
    fleet.house.keep_clock()?;
    let measured = report::Measured {
        args: &args,
        events,
        rows,
        ate_truth,
        model: &model,
        answers: &answers,
        stored,
    };
    let report = report::Report::new(&world, &measured, seconds)?;
    let text = || report::text(&report, &model, &explain::three(&world, &problem, &answers));
    print(format, &report, text)?;

    if args.once {
        return fleet.stop().await;
    }
    let next = world
        .requests(1, None, Span(0))
        .into_iter()
        .next()
        .context("a user to ask for")?;
    eprintln!(
        "\nserving until Ctrl-C (metrics on http://{}/metrics); the next decision:\n\ncurl -s http://{}/v1/decide -H 'content-type: application/json' -d '{}'",
        fleet.addresses.metrics,
        fleet.addresses.api,
        serde_json::to_string(&next)?
    );
    until_ended(fleet).await
}

fn world(args: &Demo) -> anyhow::Result<World> {
    if args.users < USERS_MIN {
        return Err(bad_input(format!(
            "--users {}: give at least {USERS_MIN}",
            args.users
        )));
    }
    let users = u32::try_from(args.users).map_err(|_| bad_input("--users: give at most 10000000"))?;
    let config = WorldConfig {
        seed: args.seed,
        users,
        days: DAYS_DEFAULT,
    };
    World::new(config).map_err(|error| bad_input(error.to_string()))
}

/// A second world on top of a first one would have events of both.
fn refuse_a_used_folder(folder: &Path) -> anyhow::Result<()> {
    if folder.join("ceteris.json").exists() {
        return Err(bad_input(format!(
            "--data-dir {}: holds a fleet already; `ceteris up --data-dir` goes on with it, a demo needs a new folder",
            folder.display()
        )));
    }
    Ok(())
}
