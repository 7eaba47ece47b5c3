//! A record as bytes in a journal. The layout is in the README.

use std::sync::Arc;

use bytes::{Buf, Bytes};

use crate::record::{ConsumedRecord, NewRecord};

/// Appends the bytes of a record that [fits](NewRecord::fits).
pub(super) fn encode(record: &NewRecord, timestamp_us: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(&timestamp_us.to_le_bytes());
    let key_length = record.key.as_ref().map_or(-1, |key| key.len() as i32);
    out.extend_from_slice(&key_length.to_le_bytes());
    out.extend_from_slice(record.key.as_deref().unwrap_or_default());
    out.extend_from_slice(&(record.headers.len() as u16).to_le_bytes());
    for (name, value) in &record.headers {
        out.extend_from_slice(&(name.len() as u16).to_le_bytes());
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&(value.len() as u32).to_le_bytes());
        out.extend_from_slice(value);
    }
    out.extend_from_slice(&record.payload);
}

/// Reads a record back, sharing the memory of `bytes`; `None` if they are no record.
pub(super) fn decode(
    topic: &Arc<str>,
    partition: u32,
    offset: u64,
    mut bytes: Bytes,
) -> Option<ConsumedRecord> {
    let timestamp_us = bytes.try_get_i64_le().ok()?;
    let key = match bytes.try_get_i32_le().ok()? {
        -1 => None,
        length => Some(take(&mut bytes, usize::try_from(length).ok()?)?),
    };
    let count = bytes.try_get_u16_le().ok()?;
    let mut headers = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let name_length = usize::from(bytes.try_get_u16_le().ok()?);
        let name = take(&mut bytes, name_length)?;
        let value_length = bytes.try_get_u32_le().ok()? as usize;
        let value = take(&mut bytes, value_length)?;
        headers.push((std::str::from_utf8(&name).ok()?.to_owned(), value));
    }
    let topic = Arc::clone(topic);
    Some(ConsumedRecord {
        topic,
        partition,
        offset,
        timestamp_us,
        key,
        headers,
        payload: bytes,
    })
}

fn take(bytes: &mut Bytes, length: usize) -> Option<Bytes> {
    (bytes.len() >= length).then(|| bytes.split_to(length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes(length_max: usize) -> impl Strategy<Value = Bytes> {
        prop::collection::vec(any::<u8>(), 0..length_max).prop_map(Bytes::from)
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            key in prop::option::of(bytes(20)),
            headers in prop::collection::vec((".{0,8}", bytes(10)), 0..4),
            payload in bytes(50),
            timestamp_us in any::<i64>(),
        ) {
            let record = NewRecord { key, headers, payload, timestamp_us: None, partition: None };
            let mut out = Vec::new();
            encode(&record, timestamp_us, &mut out);
            let back = decode(&"t".into(), 3, 9, Bytes::from(out)).unwrap();
            prop_assert_eq!((back.partition, back.offset, back.timestamp_us), (3, 9, timestamp_us));
            prop_assert_eq!(NewRecord { timestamp_us: None, ..back.to_new() }, record);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in bytes(60)) {
            let _ = decode(&"t".into(), 0, 0, bytes);
        }
    }
}
