//! The form of a decision in the journal: what the topic's record needs, then the payload as it will be shipped.
//!
//! Little-endian: version (1 byte), lengths of user id and decision id (2 each), decision instant in microseconds (8),
//! the user id, the decision id, the decision record as JSON. The plain user id stands here as the record's key only.

use ceteris_contract::time::Timestamp;

const VERSION: u8 = 1;
const FIXED_BYTES: usize = 1 + 2 + 2 + 8;

/// One decision on its way to the topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spooled<'a> {
    /// The record's key.
    pub user_id: &'a str,
    /// The decision's id.
    pub decision_id: &'a str,
    /// The decision instant.
    pub decided_at: Timestamp,
    /// A `DecisionRecord` as JSON.
    pub payload: &'a [u8],
}

/// Bytes that are no spooled decision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a journal record is not a decision of version {VERSION}: {fault}")]
pub struct SpooledFault {
    /// What is wrong.
    pub fault: &'static str,
}

/// Encodes a decision; `write_payload` appends the JSON, so that it is serialised straight into the journal's bytes.
///
/// # Errors
/// Those of `write_payload`.
pub fn encode<E>(
    user_id: &str,
    decision_id: &str,
    decided_at: Timestamp,
    write_payload: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<Vec<u8>, E> {
    // Ids are at most 256 bytes by the request's bounds, so their lengths fit.
    let mut bytes = Vec::with_capacity(4096);
    bytes.push(VERSION);
    bytes.extend_from_slice(&(user_id.len() as u16).to_le_bytes());
    bytes.extend_from_slice(&(decision_id.len() as u16).to_le_bytes());
    bytes.extend_from_slice(&decided_at.0.to_le_bytes());
    bytes.extend_from_slice(user_id.as_bytes());
    bytes.extend_from_slice(decision_id.as_bytes());
    write_payload(&mut bytes)?;
    Ok(bytes)
}

impl<'a> Spooled<'a> {
    /// Reads what [`encode`] wrote.
    ///
    /// # Errors
    /// [`SpooledFault`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, SpooledFault> {
        let refuse = |fault| SpooledFault { fault };
        let (head, rest) = bytes
            .split_at_checked(FIXED_BYTES)
            .ok_or_else(|| refuse("too short"))?;
        if head[0] != VERSION {
            return Err(refuse("another version"));
        }
        let length = |at: usize| usize::from(u16::from_le_bytes([head[at], head[at + 1]]));
        let mut instant = [0u8; 8];
        instant.copy_from_slice(&head[5..13]);
        let (user_id, rest) = rest
            .split_at_checked(length(1))
            .ok_or_else(|| refuse("too short"))?;
        let (decision_id, payload) = rest
            .split_at_checked(length(3))
            .ok_or_else(|| refuse("too short"))?;
        let text = |bytes: &'a [u8]| std::str::from_utf8(bytes).map_err(|_| refuse("an id is not UTF-8"));
        Ok(Spooled {
            user_id: text(user_id)?,
            decision_id: text(decision_id)?,
            decided_at: Timestamp(i64::from_le_bytes(instant)),
            payload,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_refuses_the_rest() {
        let bytes = encode("üser", "id-1", Timestamp(17), |out| {
            out.extend_from_slice(b"{}");
            Ok::<(), ()>(())
        })
        .unwrap();
        let spooled = Spooled::decode(&bytes).unwrap();
        assert_eq!((spooled.user_id, spooled.decision_id), ("üser", "id-1"));
        assert_eq!(
            (spooled.decided_at, spooled.payload),
            (Timestamp(17), b"{}".as_slice())
        );
        for cut in 0..bytes.len() - 2 {
            assert!(Spooled::decode(&bytes[..cut]).is_err(), "{cut}");
        }
        let mut other = bytes;
        other[0] = 2;
        assert_eq!(Spooled::decode(&other).unwrap_err().fault, "another version");
    }
}
