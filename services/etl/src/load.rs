//! The events of one bucket, each once, by unit and time.

use std::sync::Arc;

use ceteris_contract::event::StoredEvent;
use ceteris_features::stable_hash;
use ceteris_lake::{EventColumn, EventRef, EventRow, Snapshot};

use crate::error::EtlError;
use crate::spec::Spec;

/// Rows need no session.
const COLUMNS: [EventColumn; 6] = [
    EventColumn::EventId,
    EventColumn::Unit,
    EventColumn::EventType,
    EventColumn::Ts,
    EventColumn::ArrivedAt,
    EventColumn::Properties,
];

/// How much of the events a pass needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Enough to judge opportunities: properties of treatments only.
    Judge,
    /// Everything rows are made of.
    Rows,
}

/// A bucket's events of the types that the problem reads.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// Sorted by (unit, ts, event_id), without repeats.
    pub(crate) events: Vec<StoredEvent>,
    /// Repeats that were dropped.
    pub(crate) repeats: u64,
}

impl Loaded {
    /// The events of each unit.
    pub(crate) fn units(&self) -> impl Iterator<Item = &[StoredEvent]> {
        self.events.chunk_by(|a, b| a.unit.key == b.unit.key)
    }
}

/// An event and what orders its copies.
#[derive(Debug)]
pub(crate) struct Copy {
    event: StoredEvent,
    text: u64,
}

/// Reads a bucket. Sorting is left to [`in_order`], which belongs on the pool.
pub(crate) async fn read(
    snapshot: &Snapshot<EventRow>,
    spec: &Arc<Spec>,
    bucket: u16,
    depth: Depth,
) -> Result<Vec<Copy>, EtlError> {
    let spec = Arc::clone(spec);
    let state: Result<Vec<Copy>, EtlError> = Ok(Vec::new());
    let visit = move |state: &mut Result<Vec<Copy>, EtlError>, event: EventRef<'_>| {
        let Ok(copies) = state else { return };
        match take(&spec, event, depth) {
            Ok(Some(copy)) => copies.push(copy),
            Ok(None) => {}
            Err(error) => *state = Err(error),
        }
    };
    snapshot.scan(Some(bucket), &COLUMNS, state, visit).await?
}

fn take(spec: &Spec, event: EventRef<'_>, depth: Depth) -> Result<Option<Copy>, EtlError> {
    let Some(uses) = spec.uses(event.event_type) else {
        return Ok(None);
    };
    let text = stable_hash(event.properties.as_bytes());
    let wanted = depth == Depth::Rows || uses.dose;
    let event = EventRef {
        properties: if wanted { event.properties } else { "" },
        ..event
    };
    match event.to_stored() {
        Ok(event) => Ok(Some(Copy { event, text })),
        Err(source) => Err(EtlError::Event {
            event_id: event.event_id.to_owned(),
            source,
        }),
    }
}

/// Drops repeats and sorts. Of the copies of one event the first to arrive counts, as it does online.
pub(crate) fn in_order(mut copies: Vec<Copy>) -> Loaded {
    let read = copies.len();
    copies.sort_unstable_by(|a, b| {
        let (x, y) = (&a.event, &b.event);
        (x.unit.key, &x.event_id, x.arrived_at, x.ts, &x.event_type, a.text).cmp(&(
            y.unit.key,
            &y.event_id,
            y.arrived_at,
            y.ts,
            &y.event_type,
            b.text,
        ))
    });
    copies.dedup_by(|b, a| a.event.unit.key == b.event.unit.key && a.event.event_id == b.event.event_id);
    let mut events: Vec<StoredEvent> = copies.into_iter().map(|copy| copy.event).collect();
    events.sort_unstable_by(|a, b| (a.unit.key, a.ts, &a.event_id).cmp(&(b.unit.key, b.ts, &b.event_id)));
    Loaded {
        repeats: (read - events.len()) as u64,
        events,
    }
}
