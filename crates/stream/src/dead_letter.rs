//! What cannot be taken in is kept: the record as it came, with the reason and where it stood.

use bytes::Bytes;
use ceteris_contract::topics::{dead_letters, headers};

use crate::error::StreamError;
use crate::log::EventLog;
use crate::record::{ConsumedRecord, NewRecord};

/// The record for `<topic>.<group>.dlq`: the payload, key and headers unchanged, with code, sentence and origin added.
pub fn dead_letter(record: &ConsumedRecord, code: &str, detail: &str) -> NewRecord {
    let origin = format!("{}/{}/{}", record.topic, record.partition, record.offset);
    record
        .to_new()
        .header(headers::REASON, Bytes::copy_from_slice(code.as_bytes()))
        .header(headers::DETAIL, Bytes::copy_from_slice(detail.as_bytes()))
        .header(headers::ORIGIN, Bytes::from(origin))
}

/// Creates the dead-letter topic of `group` on `topic`, with as many partitions, and answers its name.
///
/// # Errors
/// [`StreamError::UnknownTopic`] if `topic` does not exist; those of [`EventLog::create_topic`].
pub async fn dead_letter_topic(log: &dyn EventLog, topic: &str, group: &str) -> Result<String, StreamError> {
    let name = dead_letters(topic, group);
    let partitions = log.partitions(topic).await?;
    log.create_topic(&name, partitions).await?;
    Ok(name)
}
