//! The events and decisions of one bucket, each once, by unit and time.

use std::sync::Arc;

use ceteris_contract::event::StoredEvent;
use ceteris_features::stable_hash;
use ceteris_lake::{DecisionRow, EventColumn, EventRef, EventRow, Lake, Snapshot};

use crate::error::EtlError;
use crate::logged;
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
    /// Sorted by (unit, instant, decision_id), without repeats.
    decisions: Vec<DecisionRow>,
    /// Repeats of events that were dropped.
    pub(crate) repeats: u64,
}

/// What is logged of one unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnitLog<'a> {
    /// By (ts, event_id).
    pub(crate) events: &'a [StoredEvent],
    /// By (instant, decision_id).
    pub(crate) decisions: &'a [DecisionRow],
}

impl Loaded {
    /// Unit by unit, in the order of their keys.
    pub(crate) fn units(&self) -> impl Iterator<Item = UnitLog<'_>> {
        let mut events = self.events.chunk_by(|a, b| a.unit.key == b.unit.key).peekable();
        let mut decisions = self
            .decisions
            .chunk_by(|a, b| a.unit.key == b.unit.key)
            .peekable();
        std::iter::from_fn(move || {
            let of_events = events
                .peek()
                .and_then(|events| events.first())
                .map(|event| event.unit.key);
            let of_decisions = decisions
                .peek()
                .and_then(|rows| rows.first())
                .map(|row| row.unit.key);
            let key = of_events.into_iter().chain(of_decisions).min()?;
            Some(UnitLog {
                events: if of_events == Some(key) {
                    events.next()?
                } else {
                    &[]
                },
                decisions: if of_decisions == Some(key) {
                    decisions.next()?
                } else {
                    &[]
                },
            })
        })
    }
}

/// The lake at the versions of a plan.
#[derive(Clone, Debug)]
pub(crate) struct Pinned {
    pub(crate) events: Snapshot<EventRow>,
    pub(crate) decisions: Snapshot<DecisionRow>,
}

impl Pinned {
    /// The newest version of each table where none is given.
    pub(crate) async fn of(
        lake: &Lake,
        events: Option<u64>,
        decisions: Option<u64>,
    ) -> Result<Self, EtlError> {
        Ok(Pinned {
            events: lake.events().snapshot(events).await?,
            decisions: lake.decisions().snapshot(decisions).await?,
        })
    }
}

/// A bucket as it was read.
#[derive(Debug)]
pub(crate) struct Raw {
    events: Vec<Copy>,
    decisions: Vec<DecisionRow>,
}

/// An event and what orders its copies.
#[derive(Debug)]
struct Copy {
    event: StoredEvent,
    text: u64,
}

/// Reads a bucket. Sorting is left to [`in_order`], which belongs on the pool.
pub(crate) async fn read(
    pinned: &Pinned,
    spec: &Arc<Spec>,
    bucket: u16,
    depth: Depth,
) -> Result<Raw, EtlError> {
    let decisions = logged::read(&pinned.decisions, &spec.problem, bucket).await?;
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
    let events = pinned.events.scan(Some(bucket), &COLUMNS, state, visit).await??;
    Ok(Raw { events, decisions })
}

fn take(spec: &Spec, event: EventRef<'_>, depth: Depth) -> Result<Option<Copy>, EtlError> {
    let Some(uses) = spec.uses(event.event_type) else {
        return Ok(None);
    };
    let text = stable_hash(event.properties.as_bytes());
    let wanted = depth == Depth::Rows || uses.treatment;
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
pub(crate) fn in_order(raw: Raw) -> Loaded {
    let mut copies = raw.events;
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
        decisions: logged::in_order(raw.decisions),
    }
}
