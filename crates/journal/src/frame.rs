//! How a batch looks on disk: header, checksum, records. The layout is in the README.

use bytes::{Buf, Bytes};

use crate::error::JournalError;

/// The largest batch that is written, header included: what a reader must be able to hold in memory.
pub const BATCH_BYTES_MAX: u64 = 256 << 20;

pub(crate) const MAGIC: [u8; 4] = *b"CJB1";
pub(crate) const HEADER_BYTES: usize = 24;
const CHECKED_FROM: usize = 8;

/// Records encoded for one append. Reusable: [`Journal::append_batch`](crate::Journal::append_batch) empties it.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    frame: Vec<u8>,
    count: u32,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Batch {
        Batch::default()
    }

    /// Adds a record.
    pub fn push(&mut self, record: &[u8]) {
        self.push_with(|out| out.extend_from_slice(record));
    }

    /// Adds the record that `encode` appends to the buffer it is given; it must not touch what is already there.
    pub fn push_with(&mut self, encode: impl FnOnce(&mut Vec<u8>)) {
        if self.frame.is_empty() {
            self.frame.resize(HEADER_BYTES, 0);
        }
        let start = self.frame.len();
        self.frame.extend_from_slice(&[0; 4]);
        encode(&mut self.frame);
        // A length that wraps belongs to a batch far over the limit, which `seal` refuses.
        let length = (self.frame.len() - start - 4) as u32;
        self.frame[start..start + 4].copy_from_slice(&length.to_le_bytes());
        self.count += 1;
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether it holds no record.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes that it takes on disk.
    pub fn bytes(&self) -> usize {
        self.frame.len()
    }

    /// Forgets the records, and keeps the memory unless it is unusually large.
    pub fn clear(&mut self) {
        const KEPT_BYTES_MAX: usize = 4 << 20;
        self.frame.clear();
        self.frame.shrink_to(KEPT_BYTES_MAX);
        self.count = 0;
    }

    /// Fills in the header for a batch that begins at offset `base`, and returns the frame to write.
    pub(crate) fn seal(&mut self, base: u64) -> Result<&[u8], JournalError> {
        if self.frame.len() as u64 > BATCH_BYTES_MAX {
            let bytes = self.frame.len() as u64;
            return Err(JournalError::TooLarge {
                bytes,
                limit_bytes: BATCH_BYTES_MAX,
            });
        }
        let body_bytes = (self.frame.len() - HEADER_BYTES) as u32;
        self.frame[0..4].copy_from_slice(&MAGIC);
        self.frame[8..16].copy_from_slice(&base.to_le_bytes());
        self.frame[16..20].copy_from_slice(&self.count.to_le_bytes());
        self.frame[20..24].copy_from_slice(&body_bytes.to_le_bytes());
        let checksum = crc32fast::hash(&self.frame[CHECKED_FROM..]);
        self.frame[4..8].copy_from_slice(&checksum.to_le_bytes());
        Ok(&self.frame)
    }
}

/// The head of a batch, not yet checked against its checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) checksum: u32,
    pub(crate) base: u64,
    pub(crate) count: u32,
    pub(crate) body_bytes: u32,
}

impl Header {
    /// Reads a header; `None` if there are too few bytes or they are no header.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Header> {
        let mut rest = bytes.get(..HEADER_BYTES)?;
        if rest[..4] != MAGIC {
            return None;
        }
        rest.advance(4);
        let header = Header {
            checksum: rest.get_u32_le(),
            base: rest.get_u64_le(),
            count: rest.get_u32_le(),
            body_bytes: rest.get_u32_le(),
        };
        (header.frame_bytes() <= BATCH_BYTES_MAX && header.count > 0).then_some(header)
    }

    /// Size of the whole batch.
    pub(crate) fn frame_bytes(&self) -> u64 {
        HEADER_BYTES as u64 + u64::from(self.body_bytes)
    }

    /// Whether `frame`, header and body, matches the checksum.
    pub(crate) fn matches(&self, frame: &[u8]) -> bool {
        crc32fast::hash(&frame[CHECKED_FROM..]) == self.checksum
    }
}

/// Length of the next record of a body; `None` at its end or if the body is malformed.
pub(crate) fn peek_length(body: &[u8]) -> Option<usize> {
    let head: [u8; 4] = body.get(..4)?.try_into().ok()?;
    let length = u32::from_le_bytes(head) as usize;
    (body.len() - 4 >= length).then_some(length)
}

/// Takes the next record off a body.
pub(crate) fn take_record(body: &mut Bytes) -> Option<Bytes> {
    let length = peek_length(body)?;
    body.advance(4);
    Some(body.split_to(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_batch_reads_back_and_any_flipped_bit_is_seen() {
        let mut batch = Batch::new();
        batch.push(b"abc");
        batch.push(b"");
        let frame = batch.seal(7).unwrap().to_vec();
        let header = Header::parse(&frame).unwrap();
        assert_eq!(
            (header.base, header.count, header.frame_bytes()),
            (7, 2, frame.len() as u64)
        );
        assert!(header.matches(&frame));
        let mut body = Bytes::copy_from_slice(&frame[HEADER_BYTES..]);
        assert_eq!(take_record(&mut body).unwrap(), "abc");
        assert_eq!(take_record(&mut body).unwrap(), "");
        assert!(take_record(&mut body).is_none());
        for bit in 0..frame.len() * 8 {
            let mut wrong = frame.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            let sound = Header::parse(&wrong)
                .is_some_and(|h| h.frame_bytes() == wrong.len() as u64 && h.matches(&wrong));
            assert!(!sound, "flipped bit {bit} went unseen");
        }
    }
}
