//! How long an event takes from its producer to where a decision reads it: events come by the clock, and each is waited
//! for at its partition's marker, behind which everything is readable.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use ceteris_contract::duration::Span;
use ceteris_contract::topics::USER_EVENTS;
use ceteris_feature_store::Slot;
use ceteris_features::SchemaHash;
use ceteris_stream::NewRecord;
use ceteris_synth::ecommerce::{Event, EventKind, World, user_id};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::ingest::setup::Setup;
use crate::ingest::worker::Worker;
use crate::latencies::Latencies;
use crate::report::Figures;
use crate::schedule::Schedule;
use ceteris_house::Ports;
use ceteris_terminal::Stage;

/// Events a second: few enough that none waits for another's work.
const RATE: u32 = 100;
/// How often a marker is looked at; timers are no finer.
const LOOK: Duration = Duration::from_millis(1);
/// How long one event may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Above every number that the world itself gives an event of a user.
const NUMBER: u32 = 1_000_000;

/// Lets `count` events come.
pub(crate) async fn trickle(
    setup: &Setup,
    worker: &Worker,
    world: &World,
    count: u32,
) -> anyhow::Result<Figures> {
    let stage = Stage::start("visible", u64::from(count));
    // The world's clock stands where its last event was; these go on from there.
    let now = setup.clock.now();
    let arrivals = Arc::new(Semaphore::new(0));
    let schedule = Schedule::new(RATE, Duration::from_secs_f64(f64::from(count) / f64::from(RATE)));
    schedule.release(Arc::clone(&arrivals), 0);
    let mut tasks = JoinSet::new();
    for n in 0..schedule.count() {
        arrivals.acquire().await.context("wait for an arrival")?.forget();
        let event = Event {
            user: n as u32 % world.config().users,
            number: NUMBER + n as u32,
            at: now.plus(Span(n as i64 * 1000)),
            session: None,
            kind: EventKind::SessionEnded { duration_s: 60 },
        };
        let record = NewRecord::keyed(user_id(event.user), event.payload()).at(event.at.0);
        tasks.spawn(seen(setup.ports.clone(), worker.schema, record, schedule.due(n)));
        stage.at(n);
    }
    let mut latencies = Latencies::new();
    while let Some(ended) = tasks.join_next().await {
        latencies.record(ended.context("a wait ended abnormally")??);
    }
    let figures = Figures::of(schedule.count(), schedule.start().elapsed()).latency(&latencies);
    stage.done("each event seen online");
    Ok(figures)
}

async fn seen(ports: Ports, schema: SchemaHash, record: NewRecord, due: Instant) -> anyhow::Result<Duration> {
    let placed = ports.log.produce(USER_EVENTS, vec![record]).await;
    let placed = placed.context("send an event")?;
    let &(partition, offset) = placed
        .first()
        .context("the log did not say where the event lies")?;
    let slot = Slot {
        schema,
        partition: u16::try_from(partition).context("the features have no such partition")?,
    };
    loop {
        let marker = ports.features.marker(slot).await;
        let marker = marker.context("read the features' position")?;
        if marker.is_some_and(|marker| marker.next_offset > offset) {
            return Ok(due.elapsed());
        }
        anyhow::ensure!(
            due.elapsed() < PATIENCE,
            "an event is not online after {} s",
            PATIENCE.as_secs()
        );
        tokio::time::sleep(LOOK).await;
    }
}
