//! The demo's way from events to a served model: everything enters through the log.

use std::sync::Arc;

use anyhow::Context;
use ceteris_contract::duration::Span;
use ceteris_contract::problem::Problem;
use ceteris_contract::time::Timestamp;
use ceteris_contract::topics::USER_EVENTS;
use ceteris_features::ViewSet;
use ceteris_house::{DataFolder, Made, TrainOptions, Trained};
use ceteris_stream::NewRecord;
use ceteris_synth::ecommerce::{World, user_id};
use ceteris_terminal::Stage;

use crate::deployment::Deployment;
use crate::report::Seconds;

/// Folds of cross-fitting.
const FOLDS: u32 = 5;

/// Sends every event of the world and waits until ingest has taken them in. Answers how many there were.
pub(crate) async fn simulate(
    deployment: &mut Deployment,
    problem: &Problem,
    world: &World,
    seconds: &mut Seconds,
) -> anyhow::Result<u64> {
    let span = world.end().0 - ceteris_synth::ecommerce::START.0;
    let stage = Stage::start("simulate", span as u64);
    let log = deployment.ports().log.clone();
    let mut events = 0u64;
    for batch in world.batches(Span::days(1)) {
        let end = batch.end;
        let records = batch
            .events
            .iter()
            .map(|event| NewRecord::keyed(user_id(event.user), event.payload()).at(event.at.0))
            .collect::<Vec<_>>();
        events += records.len() as u64;
        log.produce(USER_EVENTS, records).await.context("send events")?;
        stage.at((end.0 - ceteris_synth::ecommerce::START.0) as u64);
    }
    seconds.simulate = stage.done(&format!("{events} events sent"));
    let stage = Stage::start("ingest", events);
    let schema = ViewSet::compile(problem)
        .context("compile the feature views")?
        .schema();
    deployment
        .events_taken_in(schema, |taken| stage.at(taken))
        .await?;
    deployment.observe(world.end());
    seconds.ingest = stage.done("every event in lake and features");
    Ok(events)
}

/// Trains, publishes, and points `production` at the model.
pub(crate) async fn train_and_publish(
    folder: &DataFolder,
    problem: &Arc<Problem>,
    made: Made,
    now: Timestamp,
    seed: u64,
    seconds: &mut Seconds,
) -> anyhow::Result<Trained> {
    let started = std::time::Instant::now();
    let options = TrainOptions {
        seed,
        folds: FOLDS,
        now,
        as_of: made.info.as_of,
        lake_versions: made.plan.lake_versions.clone(),
    };
    let model = folder
        .train(problem.clone(), made.dataset, made.info, options)
        .await?;
    let promoted = folder.publish(&model, now).await?;
    anyhow::ensure!(
        promoted,
        "the model is not promoted: {}",
        model.failed_gates().join("; ")
    );
    seconds.train = started.elapsed().as_secs_f64();
    Ok(model)
}
