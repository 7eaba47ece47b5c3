//! A lake with a world's events in it, as ingest would have left them.

use std::path::Path;

use anyhow::Context;
use ceteris_contract::duration::Span;
use ceteris_contract::topics::USER_EVENTS;
use ceteris_lake::{EventRow, Lake, Offsets};
use ceteris_synth::ecommerce::{START, World};

use crate::shop;
use ceteris_terminal::Stage;

const BUCKETS: u16 = 8;
/// Rows of a commit, as ingest makes them when it is behind.
const COMMIT_ROWS: usize = 200_000;

/// Fills a new lake; answers it and how many events it holds.
pub(crate) async fn lake(folder: &Path, world: &World) -> anyhow::Result<(Lake, u64)> {
    let lake = Lake::open(folder, BUCKETS, START).await.context("open a lake")?;
    let identity = shop::identity(world);
    let stage = Stage::start("fill", u64::from(world.config().days));
    let (mut rows, mut stands, mut events) = (Vec::new(), Offsets::new(), 0);
    for (day, batch) in world.batches(Span::days(1)).enumerate() {
        let more = batch.events.iter().map(|event| {
            let stored = event.user_event().into_stored(&identity, event.at);
            EventRow::from(stored)
        });
        rows.extend(more);
        if rows.len() >= COMMIT_ROWS || batch.end == world.end() {
            events += rows.len() as u64;
            let next = Offsets::from([((USER_EVENTS.to_owned(), 0), events)]);
            let landed = lake
                .events()
                .append(std::mem::take(&mut rows), &next, &stands, batch.end)
                .await;
            landed.context("fill the lake")?;
            stands = next;
        }
        stage.at(day as u64 + 1);
    }
    stage.done(&format!("{events} events in the lake"));
    Ok((lake, events))
}
