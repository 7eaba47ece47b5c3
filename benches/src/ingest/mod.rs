//! `ceteris bench ingest`: events a second from the log into lake and online features, beside a consumer that only parses
//! them; then how long a single event takes from its producer to where decisions read it.

mod parser;
mod setup;
mod visible;
mod worker;

use anyhow::Context;
use ceteris_contract::duration::Span;
use ceteris_contract::topics::USER_EVENTS;
use ceteris_stream::NewRecord;
use ceteris_synth::ecommerce::{World, user_id};
use serde_json::json;

use crate::cli::Ingest;
use crate::ingest::parser::parse_all;
use crate::ingest::setup::Setup;
use crate::ingest::worker::Worker;
use crate::machine::{Machine, Memory};
use crate::report::{Case, Report};
use crate::shop;
use ceteris_terminal::Stage;

/// A user has about 41 events in a world of the usual length; with one user for every 35, a world has enough of them.
const EVENTS_PER_USER: u64 = 35;
const USERS_MIN: u64 = 500;
const BATCH: usize = 10_000;
const PARSER: &str = "consumer that only parses";

pub(crate) async fn run(args: Ingest) -> anyhow::Result<Report> {
    let machine = Machine::look();
    let users = u32::try_from((args.events / EVENTS_PER_USER).max(USERS_MIN)).context("count the users")?;
    let world = shop::world(users, args.seed)?;
    let (problem, _) = shop::problem()?;
    let setup = match args.fleet {
        true => setup::fleet(&problem).await?,
        false => setup::embedded(args.seed).await?,
    };
    let events = fill(&setup, &world, args.events).await?;

    // Before and after, and both together are the limit: the weather may change meanwhile.
    let before = parse_all(&setup, events, "before").await?;
    let worker = Worker::start(&setup, &problem)?;
    let (worker, ours) = worker.take_in(&setup, events).await?;
    let after = parse_all(&setup, events, "after").await?;
    let memory = Memory::of_this_process();
    let latency = visible::trickle(&setup, &worker, &world, args.visible).await?;
    worker.stop().await?;

    let name = format!("{} to lake and online features", setup.name);
    let cases = vec![
        Case::by_rate(name, "events", ours, before.and(&after), PARSER),
        Case::alone("one event produced to readable online", "events", latency),
    ];
    Ok(Report {
        bench: "ingest",
        settings: json!({"events": events, "visible": args.visible, "seed": args.seed, "fleet": args.fleet}),
        cases,
        memory,
        machine: machine.again(),
    })
}

/// Puts the world's first events into the log.
async fn fill(setup: &Setup, world: &World, count: u64) -> anyhow::Result<u64> {
    let stage = Stage::start("fill", count);
    let events = world.batches(Span::days(1)).flat_map(|batch| batch.events);
    let mut records = events
        .take(usize::try_from(count).unwrap_or(usize::MAX))
        .map(|event| NewRecord::keyed(user_id(event.user), event.payload()).at(event.at.0));
    let mut sent = 0;
    loop {
        let batch: Vec<NewRecord> = records.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            break;
        }
        sent += batch.len() as u64;
        let produced = setup.ports.log.produce(USER_EVENTS, batch).await;
        produced.context("send events")?;
        stage.at(sent);
    }
    stage.done(&format!("{sent} events in the log"));
    Ok(sent)
}
