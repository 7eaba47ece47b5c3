//! What must hold afterwards.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use anyhow::Context;
use ceteris_contract::event::StoredEvent;
use ceteris_contract::identity::UnitKey;
use ceteris_contract::topics::{CAUSAL_DECISIONS, USER_EVENTS};
use ceteris_feature_store::{FeatureStore, Read};
use ceteris_features::UnitState;
use ceteris_lake::EventColumn;
use ceteris_synth::ecommerce::World;
use ceteris_testkit::fleet::{Fleet, Service};
use ceteris_testkit::http;
use ceteris_testkit::servers::{DATABASE, Environment};
use ceteris_testkit::wait::wait_for;
use serde_json::Value;

use super::load::Sent;
use super::reach::Reach;
use super::{SEED, USERS};
use crate::support;

const PATIENCE: Duration = Duration::from_secs(120);

/// Ids answered with 200 are rows of the store, and no id is there twice.
pub async fn every_answer_is_stored_once(reach: &Reach, fleet: &Fleet, sent: &Sent) -> anyhow::Result<()> {
    let ops = fleet.ops(Service::Decide).context("decide runs")?;
    wait_for("the journal to be shipped and stored", PATIENCE, || async {
        let (_, metrics) = http::get(ops, "/metrics").await?;
        let waiting = metrics
            .lines()
            .find_map(|line| line.strip_prefix("ceteris_decide_journal_waiting_decisions "))
            .context("decide shows how many decisions wait")?;
        let behind = reach.behind_in_store(CAUSAL_DECISIONS).await?;
        let in_lake = reach.behind_in_lake(CAUSAL_DECISIONS).await?;
        anyhow::ensure!(
            waiting.trim() == "0" && behind == 0 && in_lake == 0,
            "{waiting} wait in the journal, {behind} for the store, {in_lake} for the lake"
        );
        Ok(Some(()))
    })
    .await?;
    let text = fleet
        .servers
        .postgres
        .psql(DATABASE, "select decision_id from causal_decisions")
        .await?;
    let rows: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    let stored: BTreeSet<&str> = rows.iter().copied().collect();
    println!(
        "{} decisions answered, {} stored, of them {} logged but not answered",
        sent.answered.len(),
        stored.len(),
        stored.len() - sent.answered.len().min(stored.len())
    );
    assert_eq!(rows.len(), stored.len(), "a decision is stored twice");
    let lost: Vec<&String> = sent
        .answered
        .iter()
        .filter(|id| !stored.contains(id.as_str()))
        .collect();
    assert!(
        lost.is_empty(),
        "{} answered decisions are lost, for example {:?}",
        lost.len(),
        lost.first()
    );
    let in_lake = decisions_in_lake(reach).await?;
    let stored: BTreeSet<String> = stored.into_iter().map(str::to_owned).collect();
    let differ: Vec<&String> = in_lake.symmetric_difference(&stored).collect();
    assert!(
        differ.is_empty(),
        "lake and store hold the same decisions, but {} are in one of them alone, for example {:?}",
        differ.len(),
        differ.first()
    );
    Ok(())
}

async fn decisions_in_lake(reach: &Reach) -> anyhow::Result<BTreeSet<String>> {
    let snapshot = reach.lake.decisions().snapshot(None).await?;
    let mut ids = BTreeSet::new();
    for bucket in 0..reach.lake.buckets() {
        let rows = snapshot.read_bucket(bucket).await?;
        ids.extend(rows.into_iter().map(|row| row.decision_id));
    }
    Ok(ids)
}

/// Each record of the log is in the lake once, and each event of the world is among them.
pub async fn every_event_is_in_the_lake_once(reach: &Reach, sent: &Sent) -> anyhow::Result<()> {
    wait_for("the lake to hold every event", PATIENCE, || async {
        Ok((reach.behind_in_lake(USER_EVENTS).await? == 0).then_some(()))
    })
    .await?;
    let snapshot = reach.lake.events().snapshot(None).await?;
    let mut events = BTreeSet::new();
    for bucket in 0..reach.lake.buckets() {
        let rows = snapshot.read_bucket(bucket, &[EventColumn::EventId]).await?;
        events.extend(rows.into_iter().map(|event| event.event_id));
    }
    let in_log: u64 = reach.log.end_offsets(USER_EVENTS).await?.into_iter().sum();
    println!(
        "{} events sent, {in_log} records in the log, {} rows in the lake",
        sent.events,
        snapshot.rows()
    );
    assert_eq!(
        snapshot.rows(),
        in_log,
        "each record of the log is a row, and no row is another's repeat"
    );
    assert_eq!(events.len() as u64, sent.events, "each event is among them");
    Ok(())
}

/// The features served for each unit are those of a replay of the lake.
pub async fn online_features_equal_a_replay(reach: &Reach, world: &World) -> anyhow::Result<()> {
    let ends = reach.log.end_offsets(USER_EVENTS).await?;
    let schema = reach.views.schema();
    wait_for("the features to hold every event", PATIENCE, || async {
        for (partition, end) in ends.iter().enumerate() {
            let slot = ceteris_feature_store::Slot {
                schema,
                partition: partition as u16,
            };
            let marker = reach
                .features
                .marker(slot)
                .await?
                .context("a slot has no marker")?;
            anyhow::ensure!(
                marker.next_offset >= *end,
                "slot {partition} stands at {}",
                marker.next_offset
            );
        }
        Ok(Some(()))
    })
    .await?;
    let snapshot = reach.lake.events().snapshot(None).await?;
    let mut by_unit = HashMap::<UnitKey, Vec<StoredEvent>>::new();
    for bucket in 0..reach.lake.buckets() {
        for event in snapshot.read_bucket(bucket, EventColumn::ALL).await? {
            by_unit.entry(event.unit.key).or_default().push(event);
        }
    }
    assert_eq!(
        by_unit.len(),
        USERS as usize,
        "every user of the world has events"
    );
    let now = world.end();
    for user in world.user_ids() {
        let unit = reach.identity.unit(&user);
        let events = by_unit.get(&unit.key).context("a user without events")?;
        let mut replayed = UnitState::new(&reach.views);
        for event in events {
            replayed.apply(&reach.views, event);
        }
        match reach.features.read(schema, unit, now).await {
            Read::Found(blob) => {
                let online = UnitState::decode(&reach.views, &blob)?;
                assert_eq!(
                    online.vector(&reach.views, now),
                    replayed.vector(&reach.views, now),
                    "{user}: online features differ from a replay"
                );
            }
            other => panic!("{user}: {other:?}"),
        }
    }
    println!("online features of {USERS} units equal a replay");
    Ok(())
}

/// The same world in one process, undisturbed, gives the same dataset.
pub fn the_dataset_is_that_of_one_process(digest: &str) {
    let (users, seed) = (USERS.to_string(), SEED.to_string());
    let words = [
        "--format", "json", "demo", "--once", "--users", &users, "--seed", &seed,
    ];
    let report: Value =
        serde_json::from_str(&support::fleet::ceteris(&words, &Environment::new())).expect("JSON");
    assert_eq!(
        report["dataset"]["digest"], *digest,
        "every event counts in the dataset once"
    );
    println!("the dataset is that of one process: {digest}");
}
