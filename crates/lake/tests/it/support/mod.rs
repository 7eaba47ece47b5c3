//! What the lake's tests share: events to write, and a store whose commits go wrong on demand.

#![allow(dead_code, clippy::unwrap_used)]

#[macro_use]
pub mod place;

use std::collections::BTreeMap;
use std::sync::Arc;

use ceteris_contract::event::StoredEvent;
use ceteris_contract::identity::IdentityKey;
use ceteris_contract::time::{DAY_US, Timestamp};
use ceteris_lake::{EventColumn, EventRow, LogPosition, Offsets, Snapshot};
use ceteris_objects::faults::FaultyStore;
use object_store::ObjectStore;

/// 2026-01-01T00:00:00Z, as every test's clock.
pub const NOW: Timestamp = Timestamp(1_767_225_600_000_000);
/// The topic of every test.
pub const TOPIC: &str = "user_events";

/// Event number `i` of a world of fifty users and three days.
pub fn event(i: u64) -> EventRow {
    let unit = IdentityKey::new([7; 32]).unit(&format!("user-{}", i % 50));
    let properties = serde_json::json!({"amount": i as f64 / 4.0, "n": i});
    let event = StoredEvent {
        event_id: format!("e-{i}"),
        unit,
        event_type: ["page_view", "purchase", "cart_viewed"][(i % 3) as usize].to_owned(),
        ts: Timestamp(NOW.0 + (i % 3) as i64 * DAY_US + i as i64),
        arrived_at: Timestamp(NOW.0 + 5 * DAY_US + i as i64),
        session_id: i.is_multiple_of(2).then(|| format!("s-{}", i / 10)),
        properties: properties.as_object().cloned().unwrap_or_default(),
    };
    EventRow {
        event,
        log: Some(LogPosition {
            topic: TOPIC.into(),
            partition: 0,
            offset: i,
        }),
    }
}

/// Events `from..to`.
pub fn events(from: u64, to: u64) -> Vec<EventRow> {
    (from..to).map(event).collect()
}

/// The offsets of record with this one entry.
pub fn at(partition: u32, next: u64) -> Offsets {
    BTreeMap::from([((TOPIC.to_owned(), partition), next)])
}

/// No offsets.
pub fn nowhere() -> Offsets {
    Offsets::new()
}

/// Every event of a snapshot, by id.
pub async fn all(snapshot: &Snapshot<EventRow>, buckets: u16) -> Vec<StoredEvent> {
    let mut events = Vec::new();
    for bucket in 0..buckets {
        let found = snapshot.read_bucket(bucket, EventColumn::ALL).await.unwrap();
        assert!(found.iter().all(|event| event.unit.bucket(buckets) == bucket));
        events.extend(found);
    }
    events.sort_by(|a, b| a.event_id.cmp(&b.event_id));
    events
}

/// The events of these rows, by id.
pub fn sorted(rows: Vec<EventRow>) -> Vec<StoredEvent> {
    let mut events: Vec<StoredEvent> = rows.into_iter().map(|row| row.event).collect();
    events.sort_by(|a, b| a.event_id.cmp(&b.event_id));
    events
}

/// A store that refuses commits, or loses the replies to them, on demand.
pub fn faulty(inner: Arc<dyn ObjectStore>) -> Arc<FaultyStore> {
    FaultyStore::concerning(inner, |path| {
        path.as_ref().contains("_delta_log/") && path.as_ref().ends_with(".json")
    })
}
