//! One consumed record into a stored event, a forward, or a dead letter.

use ceteris_contract::event::{EVENT_SCHEMA_VERSION, StoredEvent, UserEvent};
use ceteris_contract::identity::IdentityKey;
use ceteris_contract::murmur2::partition_of;
use ceteris_contract::time::Timestamp;
use ceteris_contract::topics::headers;
use ceteris_stream::ConsumedRecord;

/// Events further ahead of the log's append time than this are dead letters.
const AHEAD_MAX_US: i64 = 5 * 60 * 1_000_000;

/// What becomes of a record.
pub(crate) enum Checked {
    /// It is taken in.
    Event(StoredEvent),
    /// It belongs on another partition.
    Misplaced { partition: u32, user_id: String },
    /// It is set aside.
    Refused { code: &'static str, detail: String },
}

/// Checks a record that stands on one of `partitions` partitions.
pub(crate) fn check(record: &ConsumedRecord, partitions: u32, identity: &IdentityKey) -> Checked {
    if let Some(version) = record.header(headers::SCHEMA)
        && version.as_ref() != EVENT_SCHEMA_VERSION.as_bytes()
    {
        let version = String::from_utf8_lossy(version).into_owned();
        let detail = format!("schema version {version} is not one this build reads; send version 1");
        return Checked::Refused {
            code: "event_version",
            detail,
        };
    }
    let event = match UserEvent::parse(&record.payload) {
        Ok(event) => event,
        Err(fault) => {
            return Checked::Refused {
                code: fault.code,
                detail: fault.to_string(),
            };
        }
    };
    if event.timestamp.0 > record.timestamp_us.saturating_add(AHEAD_MAX_US) {
        let appended = Timestamp(record.timestamp_us);
        let detail = format!(
            "timestamp: {} lies more than 5 minutes ahead of the append time {appended}; set the producer's clock",
            event.timestamp
        );
        return Checked::Refused {
            code: "event_ahead_of_time",
            detail,
        };
    }
    let partition = partition_of(event.user_id.as_bytes(), partitions);
    if partition != record.partition {
        return Checked::Misplaced {
            partition,
            user_id: event.user_id,
        };
    }
    Checked::Event(event.into_stored(identity, Timestamp(record.timestamp_us)))
}
