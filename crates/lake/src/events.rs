//! Rows of the table `events`: writing them, and reading the columns one asks for.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{Array, Int32Array, RecordBatch, StringArray};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use ceteris_contract::event::StoredEvent;
use ceteris_contract::identity::{Unit, UnitKey};
use ceteris_contract::time::Timestamp;
use serde_json::Map;

use crate::parquet_file::Fault;
use crate::row::{
    Columns, LogPosition, Row, instant, instants, log_columns, log_fields, read_unit, texts, units,
};

/// An event and where the log holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    /// The event.
    pub event: StoredEvent,
    /// Where it came from; none for rows that never were in a log.
    pub log: Option<LogPosition>,
}

impl From<StoredEvent> for EventRow {
    fn from(event: StoredEvent) -> Self {
        EventRow { event, log: None }
    }
}

impl Row for EventRow {
    const TABLE: &'static str = "events";

    fn unit(&self) -> Unit {
        self.event.unit
    }

    fn ts(&self) -> Timestamp {
        self.event.ts
    }

    fn schema() -> SchemaRef {
        let mut fields = vec![
            Field::new("event_id", DataType::Utf8, false),
            Field::new("unit", DataType::Utf8, false),
            Field::new("shard", DataType::Int32, false),
            Field::new("event_type", DataType::Utf8, false),
            Field::new("ts", instant(), false),
            Field::new("arrived_at", instant(), false),
            Field::new("session_id", DataType::Utf8, true),
            Field::new("properties", DataType::Utf8, false),
        ];
        fields.extend(log_fields());
        Arc::new(Schema::new(fields))
    }

    fn encode(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        let events = rows.iter().map(|row| &row.event);
        let [unit, shard] = units(events.clone().map(|event| event.unit));
        let [topic, partition, offset] = log_columns(rows.iter().map(|row| row.log.as_ref()));
        let sessions: StringArray = events.clone().map(|event| event.session_id.as_deref()).collect();
        RecordBatch::try_new(
            Self::schema(),
            vec![
                texts(events.clone().map(|event| event.event_id.as_str())),
                unit,
                shard,
                texts(events.clone().map(|event| event.event_type.as_str())),
                instants(events.clone().map(|event| event.ts)),
                instants(events.clone().map(|event| event.arrived_at)),
                Arc::new(sessions),
                Arc::new(properties(rows)?),
                topic,
                partition,
                offset,
            ],
        )
    }
}

fn properties(rows: &[EventRow]) -> Result<StringArray, ArrowError> {
    let mut column = StringBuilder::with_capacity(rows.len(), rows.len() * 64);
    for row in rows {
        let json = serde_json::to_string(&row.event.properties)
            .map_err(|error| ArrowError::ExternalError(error.into()))?;
        column.append_value(json);
    }
    Ok(column.finish())
}

/// A column of the table `events` that a reader may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventColumn {
    /// The event's id.
    EventId,
    /// Whom it happened to.
    Unit,
    /// What happened.
    EventType,
    /// When it happened.
    Ts,
    /// When the log took it.
    ArrivedAt,
    /// The session it belongs to.
    SessionId,
    /// What is known about it.
    Properties,
}

impl EventColumn {
    /// Every column of an event.
    pub const ALL: &'static [EventColumn] = &[
        EventColumn::EventId,
        EventColumn::Unit,
        EventColumn::EventType,
        EventColumn::Ts,
        EventColumn::ArrivedAt,
        EventColumn::SessionId,
        EventColumn::Properties,
    ];

    /// The names at rest.
    pub(crate) fn names(self) -> &'static [&'static str] {
        match self {
            EventColumn::EventId => &["event_id"],
            EventColumn::Unit => &["unit", "shard"],
            EventColumn::EventType => &["event_type"],
            EventColumn::Ts => &["ts"],
            EventColumn::ArrivedAt => &["arrived_at"],
            EventColumn::SessionId => &["session_id"],
            EventColumn::Properties => &["properties"],
        }
    }
}

/// One event as it stands in a decoded batch. Columns that were not asked for are empty, zero or none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EventRef<'a> {
    /// Unique per event.
    pub event_id: &'a str,
    /// Whom it happened to.
    pub unit: Unit,
    /// What happened.
    pub event_type: &'a str,
    /// When it happened.
    pub ts: Timestamp,
    /// When the log took it.
    pub arrived_at: Timestamp,
    /// The session it belongs to.
    pub session_id: Option<&'a str>,
    /// What is known about it, a JSON object as text.
    pub properties: &'a str,
}

impl EventRef<'_> {
    /// The event with its properties read.
    ///
    /// # Errors
    /// Where the properties are no JSON object.
    pub fn to_stored(&self) -> Result<StoredEvent, serde_json::Error> {
        Ok(StoredEvent {
            event_id: self.event_id.to_owned(),
            unit: self.unit,
            event_type: self.event_type.to_owned(),
            ts: self.ts,
            arrived_at: self.arrived_at,
            session_id: self.session_id.map(str::to_owned),
            properties: match self.properties {
                "" => Map::new(),
                text => serde_json::from_str(text)?,
            },
        })
    }
}

/// The columns of one batch that were asked for.
struct EventColumns<'a> {
    event_id: Option<&'a StringArray>,
    unit: Option<(&'a StringArray, &'a Int32Array)>,
    event_type: Option<&'a StringArray>,
    ts: Option<&'a [i64]>,
    arrived_at: Option<&'a [i64]>,
    session_id: Option<&'a StringArray>,
    properties: Option<&'a StringArray>,
}

impl<'a> EventColumns<'a> {
    fn of(batch: &'a RecordBatch, asked: &[EventColumn]) -> Result<Self, Fault> {
        let columns = Columns(batch);
        let texts = |column, name| match asked.contains(&column) {
            true => columns.texts(name).map(Some),
            false => Ok(None),
        };
        let instants = |column, name| match asked.contains(&column) {
            true => columns.instants(name).map(Some),
            false => Ok(None),
        };
        Ok(EventColumns {
            event_id: texts(EventColumn::EventId, "event_id")?,
            unit: match asked.contains(&EventColumn::Unit) {
                true => Some((columns.texts("unit")?, columns.ints("shard")?)),
                false => None,
            },
            event_type: texts(EventColumn::EventType, "event_type")?,
            ts: instants(EventColumn::Ts, "ts")?,
            arrived_at: instants(EventColumn::ArrivedAt, "arrived_at")?,
            session_id: texts(EventColumn::SessionId, "session_id")?,
            properties: texts(EventColumn::Properties, "properties")?,
        })
    }

    fn row(&self, row: usize) -> Result<EventRef<'a>, Fault> {
        let text = |column: Option<&'a StringArray>| column.map_or("", |column| column.value(row));
        let instant = |column: Option<&[i64]>| Timestamp(column.map_or(0, |column| column[row]));
        Ok(EventRef {
            event_id: text(self.event_id),
            unit: match self.unit {
                Some((keys, shards)) => read_unit(keys.value(row), shards.value(row))?,
                None => Unit {
                    key: UnitKey([0; 16]),
                    shard: 0,
                },
            },
            event_type: text(self.event_type),
            ts: instant(self.ts),
            arrived_at: instant(self.arrived_at),
            session_id: self
                .session_id
                .filter(|column| column.is_valid(row))
                .map(|column| column.value(row)),
            properties: text(self.properties),
        })
    }
}

/// Gives each event of a batch to `visit`, in file order.
pub(crate) fn each_event(
    batch: &RecordBatch,
    asked: &[EventColumn],
    mut visit: impl FnMut(EventRef<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let columns = EventColumns::of(batch, asked)?;
    for row in 0..batch.num_rows() {
        visit(columns.row(row)?)?;
    }
    Ok(())
}
