//! The suite every backend of [`DecisionStore`] passes. Each function takes a fresh, empty store.
//!
//! It panics where a backend breaks the contract: it is test code that several crates share.

use std::collections::BTreeMap;

use ceteris_contract::identity::{Unit, UnitKey};
use ceteris_contract::problem::Policy;
use ceteris_contract::record::{DECISION_SCHEMA_VERSION, Decision, DecisionRecord, Inputs, NONE_ARM};
use ceteris_contract::time::Timestamp;

use ceteris_contract::disposition::Disposition;

use crate::port::{Batch, DecisionStore, StoreError};

/// A record that differs by `number` in id and instant.
pub fn record(number: u64) -> DecisionRecord {
    let at = Timestamp(1_000_000 * number as i64);
    DecisionRecord {
        schema_version: DECISION_SCHEMA_VERSION.to_owned(),
        decision_id: format!("d-{number:06}"),
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

fn batch(partition: u32, expected_next: u64, numbers: std::ops::Range<u64>) -> Batch {
    let records: Vec<_> = numbers.map(record).collect();
    Batch {
        topic: "causal_decisions".to_owned(),
        partition,
        expected_next,
        next: expected_next + records.len() as u64,
        records,
    }
}

/// What was appended is read back equal, in order, in pages.
pub async fn reads_back(store: &dyn DecisionStore) {
    let appended = store.append(batch(0, 0, 0..1200)).await.expect("append");
    assert_eq!((appended.inserted, appended.repeated), (1200, 0));
    assert_eq!(store.count().await.expect("count"), 1200);
    let since = Timestamp(1_000_000 * 100);
    let mut read = Vec::new();
    let mut after = None;
    loop {
        let page = store.decisions(since, after.take(), 333).await.expect("page");
        let Some(last) = page.last() else { break };
        after = Some((last.decided_at, last.decision_id.clone()));
        read.extend(page);
    }
    assert_eq!(read, (100..1200).map(record).collect::<Vec<_>>());
}

/// A batch that is delivered again, whole or in part, changes nothing.
pub async fn redelivery_changes_nothing(store: &dyn DecisionStore) {
    store.append(batch(3, 0, 0..10)).await.expect("append");
    let again = store
        .append(batch(3, 0, 0..10))
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
    assert_eq!(
        store.next_offset("causal_decisions", 3).await.expect("offset"),
        10
    );
    // The same decisions at later offsets, as a forwarder that lost its cursor ships them.
    let repeat = store.append(batch(3, 10, 5..15)).await.expect("append");
    assert_eq!((repeat.inserted, repeat.repeated), (5, 5));
    assert_eq!(store.count().await.expect("count"), 15);
}

/// A refused batch leaves no row behind, and partitions have positions of their own.
pub async fn refusal_is_whole(store: &dyn DecisionStore) {
    store.append(batch(0, 0, 0..4)).await.expect("append");
    store.append(batch(0, 7, 100..110)).await.expect_err("a gap");
    assert_eq!(store.count().await.expect("count"), 4);
    store
        .append(batch(1, 0, 100..110))
        .await
        .expect("another partition");
    assert_eq!(store.next_offset("causal_decisions", 0).await.expect("offset"), 4);
    assert_eq!(
        store.next_offset("causal_decisions", 1).await.expect("offset"),
        10
    );
    assert_eq!(store.next_offset("other", 1).await.expect("offset"), 0);
}

/// Of two writers at one position exactly one lands.
pub async fn one_of_two_writers_lands(store: &dyn DecisionStore) {
    for round in 0..20u64 {
        let (from, to) = (round * 10, round * 10 + 10);
        let (a, b) = futures::join!(
            store.append(batch(0, from, from..to)),
            store.append(batch(0, from, from..to))
        );
        assert_eq!(u8::from(a.is_ok()) + u8::from(b.is_ok()), 1, "{a:?} {b:?}");
    }
    assert_eq!(store.count().await.expect("count"), 200);
}
