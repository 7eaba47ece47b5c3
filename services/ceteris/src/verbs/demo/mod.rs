//! `ceteris demo`: a simulated shop, its events, a model, decisions, and the truth beside them.

mod ask;
mod explain;
mod pipeline;
mod place;
pub(crate) mod report;
mod truth;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use ceteris_contract::duration::Span;
use ceteris_contract::problem::Problem;
use ceteris_synth::ecommerce::{DAYS_DEFAULT, World, WorldConfig};

use crate::cli::{Demo, Format};
use crate::output::{bad_input, print};
use crate::verbs::scratch;

const PROBLEM: &str = include_str!("../../../../../deploy/problems/ecommerce.yaml");
/// Fewer users leave some arm with too few rows to fit.
const USERS_MIN: u64 = 500;
/// Decisions asked for over HTTP.
const DECISIONS: usize = 2_000;

pub(crate) async fn run(format: Format, args: Demo) -> anyhow::Result<()> {
    let world = world(&args)?;
    let problem = Arc::new(Problem::from_yaml(PROBLEM).map_err(|faults| {
        anyhow::anyhow!(
            "the shipped problem has faults: {}",
            faults.iter().map(ToString::to_string).collect::<String>()
        )
    })?);
    let scratch = scratch(args.data_dir.as_deref(), "demo")?;
    let mut place = match args.fleet {
        true => place::services(&args, &problem).await?,
        false => {
            refuse_a_used_folder(scratch.path())?;
            place::process(scratch.path(), &args, &problem, PROBLEM).await?
        }
    };

    let seconds = &mut report::Seconds::default();
    let before = place.ground().stored().await?;
    let events = pipeline::simulate(&mut place, &problem, &world, seconds).await?;
    let learned = place.learn(&problem, &world, args.seed, seconds).await?;
    let requests = world.requests(DECISIONS, Some(world.end()), Span(0));
    let version = &learned.model.manifest.version;
    let answers = ask::ask(&place.ground().api, version, args.seed, requests, seconds).await?;
    let stored = place.decisions_stored(before + answers.len() as u64).await? - before;
    place.keep_clock()?;
    let measured = report::Measured {
        args: &args,
        events,
        rows: learned.rows,
        ate_truth: learned.ate_truth,
        model: &learned.model,
        answers: &answers,
        stored,
    };
    let report = report::Report::new(&world, &measured, seconds)?;
    let text = || {
        report::text(
            &report,
            &learned.model,
            &explain::three(&world, &problem, &answers),
        )
    };
    print(format, &report, text)?;

    if args.once {
        return place.stop().await;
    }
    let next = world
        .requests(1, None, Span(0))
        .into_iter()
        .next()
        .context("a user to ask for")?;
    eprintln!(
        "\nserving until Ctrl-C{}; the next decision:\n\ncurl -s {}/v1/decide -H 'content-type: application/json' -d '{}'",
        place
            .metrics()
            .map_or(String::new(), |at| format!(" (metrics on http://{at}/metrics)")),
        place.ground().api,
        serde_json::to_string(&next)?
    );
    place.until_ended().await
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
