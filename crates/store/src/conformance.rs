//! The suite every backend of [`DecisionStore`] passes. Each function takes a fresh, empty store.
//!
//! It panics where a backend breaks the contract: it is test code that several crates share.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use ceteris_contract::disposition::{Disposition, HasDisposition};
use ceteris_contract::identity::{Unit, UnitKey};
use ceteris_contract::problem::Policy;
use ceteris_contract::record::{DECISION_SCHEMA_VERSION, Decision, DecisionRecord, Inputs, NONE_ARM};
use ceteris_contract::time::Timestamp;

use crate::error::StoreError;
use crate::logged::Logged;
use crate::port::{Appended, Batch, DecisionStore};

const TOPIC: &str = "causal_decisions";

/// An id by number. Even ones are UUIDv7, as those of requests without an Idempotency-Key; odd ones are derived.
pub fn id(number: u64) -> String {
    match number % 2 {
        0 => format!("0196{number:04x}-0000-7000-8000-{number:012x}"),
        _ => format!("d-{number:06}"),
    }
}

/// A record that differs by `number` in id and instant.
pub fn record(number: u64) -> DecisionRecord {
    let at = Timestamp(1_000_000 * number as i64);
    DecisionRecord {
        schema_version: DECISION_SCHEMA_VERSION.to_owned(),
        decision_id: id(number),
        decided_at: at,
        problem: "ecommerce".to_owned(),
        unit: Unit {
            key: UnitKey([number as u8; 16]),
            shard: (number % 4096) as u16,
        },
        inputs: Inputs {
            at,
            candidates: Vec::new(),
            features: Vec::new(),
            effects: Vec::new(),
            model: None,
            policy_digest: "p".to_owned(),
            policy: Policy {
                significance_level: 0.05,
                exploration: 0.1,
                holdout: 0.0,
                propensity_floor: 0.01,
                require_significance: false,
            },
            fallback: Vec::new(),
            outcomes: Vec::new(),
            switches: vec!["no_model".to_owned()],
            seed: number,
        },
        decision: Decision {
            recommended_treatment: None,
            // A value whose shortest decimal form is long: it must come back bit for bit.
            expected_outcome: 0.1 + 0.2,
            effects: Vec::new(),
            propensity: 1.0,
            distribution: BTreeMap::from([(NONE_ARM.to_owned(), 1.0)]),
            reason: "fallback".to_owned(),
            degraded: true,
            degraded_reasons: vec!["no_model".to_owned()],
        },
        latency_us: 12,
    }
}

fn logged(record: &DecisionRecord) -> Logged {
    Logged::write(record).expect("a record that can be stored")
}

fn of(partition: u32, expected_next: u64, records: Vec<Logged>) -> Batch {
    Batch {
        topic: TOPIC.to_owned(),
        partition,
        expected_next,
        next: expected_next + records.len() as u64,
        records,
    }
}

/// The batch of the records so numbered.
pub fn batch(partition: u32, expected_next: u64, numbers: Range<u64>) -> Batch {
    of(
        partition,
        expected_next,
        numbers.map(|number| logged(&record(number))).collect(),
    )
}

/// Every stored record from `since` on, read in pages.
pub async fn all(store: &dyn DecisionStore, since: Timestamp, page: u32) -> Vec<Logged> {
    let mut read = Vec::new();
    let mut after = None;
    loop {
        let page = store.decisions(since, after.take(), page).await.expect("page");
        let Some(last) = page.last() else { return read };
        after = Some((last.record().decided_at, last.record().decision_id.clone()));
        read.extend(page);
    }
}

/// What was appended is read back equal, in order, in pages.
pub async fn reads_back(store: &dyn DecisionStore) {
    let appended = store.append(&batch(0, 0, 0..1200)).await.expect("append");
    assert_eq!((appended.inserted, appended.repeated), (1200, 0));
    assert_eq!(store.count().await.expect("count"), 1200);
    let read = all(store, Timestamp(1_000_000 * 100), 333).await;
    assert_eq!(read, batch(0, 0, 100..1200).records);
}

/// Texts come back byte for byte, whatever is in them, and records of one instant in the order of their ids' bytes.
pub async fn keeps_every_byte(store: &dyn DecisionStore) {
    let odd = |id: &str, reason: &str, text: fn(String) -> String| {
        let mut record = record(8);
        record.decision_id = id.to_owned();
        record.decision.reason = reason.to_owned();
        record.decision.expected_outcome = f64::from_bits(0x3FD5_5555_5555_5555);
        record.decision.propensity = f64::MIN_POSITIVE;
        record.latency_us = u64::MAX;
        record.inputs.switches = vec!["\u{0}\u{1}\t\\N".to_owned(), "żółć 😀 \u{FFFF}".to_owned()];
        Logged::read(text(logged(&record).text().to_owned()).as_bytes()).expect("still a record")
    };
    let records = vec![
        odd("B", "", |text| text),
        odd("a", "żółć 😀", |text| text.replacen('{', "{ \n\t", 1)),
        odd("ä", "\\.", |text| {
            let added = "{\"later\":[1e999,\"\\u0000\\ud800\",{}],\"later\":1.0000,";
            text.replacen('{', added, 1)
        }),
    ];
    store.append(&of(0, 0, records.clone())).await.expect("append");
    assert_eq!(all(store, Timestamp(0), 1).await, records);
}

/// A batch that is delivered again, whole or in part, changes nothing.
pub async fn redelivery_changes_nothing(store: &dyn DecisionStore) {
    store.append(&batch(3, 0, 0..10)).await.expect("append");
    // As after a commit whose answer was lost: the position tells that all of it is there.
    let again = store
        .append(&batch(3, 0, 0..10))
        .await
        .expect_err("the position has moved");
    assert!(
        matches!(
            again,
            StoreError::Moved {
                actual: 10,
                expected: 0,
                ..
            }
        ),
        "{again}"
    );
    assert_eq!(again.disposition(), Disposition::Halt);
    assert_eq!(store.next_offset(TOPIC, 3).await.expect("offset"), 10);
    // The same decisions at later offsets, as a forwarder that lost its cursor ships them.
    let repeat = store.append(&batch(3, 10, 5..15)).await.expect("append");
    assert_eq!((repeat.inserted, repeat.repeated), (5, 5));
    // And in another partition, of another topic, twice in one batch.
    let mut twice = batch(4, 0, 12..17);
    twice.topic = "other".to_owned();
    twice.records.extend(batch(4, 0, 12..17).records);
    let repeat = store.append(&twice).await.expect("append");
    assert_eq!((repeat.inserted, repeat.repeated), (2, 8));
    assert_eq!(store.count().await.expect("count"), 17);
}

/// An id that comes again at another instant, as an idempotent request that was decided again, is stored once: the first.
pub async fn an_id_is_stored_once(store: &dyn DecisionStore) {
    let at = |number: u64, second: i64| {
        let mut record = record(number);
        record.decided_at = Timestamp(1_000_000 * second);
        logged(&record)
    };
    let first = store
        .append(&of(0, 0, vec![at(1, 50), at(1, 40), at(3, 60)]))
        .await
        .expect("append");
    assert_eq!((first.inserted, first.repeated), (2, 1));
    let second = store
        .append(&of(1, 0, vec![at(3, 10), at(5, 20), at(1, 99)]))
        .await
        .expect("append");
    assert_eq!((second.inserted, second.repeated), (1, 2));
    let read = all(store, Timestamp(0), 10).await;
    assert_eq!(read, vec![at(5, 20), at(1, 50), at(3, 60)]);
}

/// A refused batch leaves no row behind, and partitions have positions of their own.
pub async fn refusal_is_whole(store: &dyn DecisionStore) {
    store.append(&batch(0, 0, 0..4)).await.expect("append");
    store.append(&batch(0, 7, 100..110)).await.expect_err("a gap");
    assert_eq!(store.count().await.expect("count"), 4);
    store
        .append(&batch(1, 0, 100..110))
        .await
        .expect("another partition");
    assert_eq!(store.next_offset(TOPIC, 0).await.expect("offset"), 4);
    assert_eq!(store.next_offset(TOPIC, 1).await.expect("offset"), 10);
    assert_eq!(store.next_offset("other", 1).await.expect("offset"), 0);
    // Offsets without a record, as those of what was set aside, move the position alone.
    let mut nothing = batch(0, 4, 0..0);
    nothing.next = 9;
    let appended = store.append(&nothing).await.expect("append");
    assert_eq!((appended.inserted, appended.repeated), (0, 0));
    assert_eq!(store.next_offset(TOPIC, 0).await.expect("offset"), 9);
}

/// Of two writers at one position exactly one lands, and the other learns where the first one left it.
pub async fn one_of_two_writers_lands(store: &dyn DecisionStore) {
    for round in 0..20u64 {
        let (from, to) = (round * 10, round * 10 + 10);
        let (a, b) = (batch(0, from, from..to), batch(0, from, from..to));
        let (a, b) = futures::join!(store.append(&a), store.append(&b));
        let fenced = |result: &Result<Appended, StoreError>| match result {
            Ok(_) => false,
            Err(StoreError::Moved { actual, .. }) => *actual == to,
            Err(_) => false,
        };
        assert_eq!(u8::from(a.is_ok()) + u8::from(b.is_ok()), 1, "{a:?} {b:?}");
        assert!(fenced(&a) || fenced(&b), "{a:?} {b:?}");
    }
    assert_eq!(store.count().await.expect("count"), 200);
}

/// A writer that was replaced while it was stopped changes nothing, however it cuts its batches.
pub async fn a_replaced_writer_is_fenced(store: &dyn DecisionStore) {
    store.append(&batch(0, 0, 0..10)).await.expect("append");
    // Its successor goes on with other cuts.
    store.append(&batch(0, 10, 10..13)).await.expect("append");
    store.append(&batch(0, 13, 13..30)).await.expect("append");
    for (from, to) in [(10, 20), (10, 13), (10, 40), (0, 10)] {
        let error = store.append(&batch(0, from, from..to)).await.expect_err("fenced");
        assert!(matches!(error, StoreError::Moved { actual: 30, .. }), "{error}");
    }
    assert_eq!(store.count().await.expect("count"), 30);
    assert_eq!(store.next_offset(TOPIC, 0).await.expect("offset"), 30);
}

/// Writers of different partitions go on side by side, and an id that several of them bring is stored once.
pub async fn writers_go_side_by_side(store: &dyn DecisionStore) {
    let writer = |partition: u32| async move {
        let (mut inserted, from) = (0, u64::from(partition) * 50);
        for step in 0..10u64 {
            // Half of these are the neighbour's too, and come from there in the other order.
            let first = from + step * 7;
            let mut batch = batch(partition, step * 100, first..first + 100);
            if partition % 2 == 1 {
                batch.records.reverse();
            }
            inserted += loop {
                match store.append(&batch).await {
                    Ok(appended) => break appended.inserted,
                    Err(error) if error.disposition() == Disposition::Retry => {}
                    Err(error) => panic!("{error:?}"),
                }
            };
        }
        inserted
    };
    let done = futures::join!(writer(0), writer(1), writer(2), writer(3));
    let inserted = done.0 + done.1 + done.2 + done.3;
    assert_eq!(store.count().await.expect("count"), inserted);
    let read = all(store, Timestamp(0), 500).await;
    let ids: BTreeSet<&str> = read
        .iter()
        .map(|logged| logged.record().decision_id.as_str())
        .collect();
    assert_eq!(ids.len() as u64, inserted);
    assert_eq!(inserted, 150 + 9 * 7 + 100);
}

/// A batch much larger than any buffer on the way lands whole.
pub async fn a_big_batch_lands(store: &dyn DecisionStore) {
    let mut big = record(0);
    // A record near the log's bound among many small ones.
    big.inputs.switches = vec!["x".repeat(900_000)];
    let mut records = vec![logged(&big)];
    records.extend((1..20_000).map(|number| logged(&record(number))));
    let appended = store.append(&of(0, 0, records)).await.expect("append");
    assert_eq!((appended.inserted, appended.repeated), (20_000, 0));
    assert_eq!(store.count().await.expect("count"), 20_000);
    let first = store.decisions(Timestamp(0), None, 1).await.expect("page");
    assert_eq!(first[0].record(), &big);
}

/// The whole suite as tests; `$fresh` is an async function that answers a fresh, empty store and what keeps it alive.
#[macro_export]
macro_rules! conformance_tests {
    ($fresh:path) => {
        $crate::conformance_tests!(@ $fresh:
            reads_back keeps_every_byte redelivery_changes_nothing an_id_is_stored_once refusal_is_whole
            one_of_two_writers_lands a_replaced_writer_is_fenced writers_go_side_by_side a_big_batch_lands
        );
    };
    (@ $fresh:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let (_keep, store) = $fresh().await;
                $crate::conformance::$case(&store).await;
            }
        )+
    };
}
