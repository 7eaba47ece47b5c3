//! Reads records by offset, beside the writer, as far as the writer has published.

use std::fs::File;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::JournalError;
use crate::frame::{peek_length, take_record};
use crate::frames::{Frames, Step};
use crate::segment::Segment;
use crate::view::Shared;

/// A record and its offset.
///
/// The payload shares memory with the records read beside it (up to 256 KiB or a batch); copy what is kept for long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The record's offset.
    pub offset: u64,
    /// The record as it was appended.
    pub payload: Bytes,
}

/// A place in a journal from which records are read in order.
#[derive(Debug)]
pub struct Reader {
    shared: Arc<Shared>,
    next: u64,
    place: Option<Place>,
}

#[derive(Debug)]
struct Place {
    segment: Arc<Segment>,
    frames: Frames,
    /// What is left of the batch in hand, and the offset of its first record.
    body: Bytes,
    body_offset: u64,
    batch_position: u64,
}

impl Reader {
    pub(crate) fn new(shared: Arc<Shared>, offset: u64) -> Reader {
        Reader {
            shared,
            next: offset,
            place: None,
        }
    }

    /// The offset of the record that the next read begins with.
    pub fn next_offset(&self) -> u64 {
        self.next
    }

    /// Goes to another offset.
    pub fn seek(&mut self, offset: u64) {
        if offset != self.next {
            self.next = offset;
            self.place = None;
        }
    }

    /// The next records: at most `records_max`, with at most `bytes_max` bytes of payload, but one record at least if
    /// there is any. Empty means that the reader has caught up with the writer.
    ///
    /// # Errors
    /// [`JournalError::OffsetOutOfRange`] if retention dropped the next record or it lies beyond the end,
    /// [`JournalError::Corrupt`], [`JournalError::Io`]. The reader stays where it was.
    pub fn read(&mut self, records_max: usize, bytes_max: usize) -> Result<Vec<Entry>, JournalError> {
        let start = self.next;
        let mut entries = Vec::new();
        let read = self.read_into(&mut entries, records_max, bytes_max);
        match read {
            // What was read before the fault is still good; the fault is met again at the next read.
            Err(_) if !entries.is_empty() => Ok(entries),
            Err(error) => {
                self.next = start;
                self.place = None;
                Err(error)
            }
            Ok(()) => Ok(entries),
        }
    }

    fn read_into(
        &mut self,
        entries: &mut Vec<Entry>,
        records_max: usize,
        bytes_max: usize,
    ) -> Result<(), JournalError> {
        let mut bytes = 0;
        while entries.len() < records_max {
            let place = match &mut self.place {
                Some(place) => place,
                empty => empty.insert(Place::find(&self.shared, self.next)?),
            };
            if place.body.is_empty() {
                match place.load(&self.shared)? {
                    Loaded::Batch => {}
                    Loaded::CaughtUp => return Ok(()),
                    Loaded::SegmentDone => self.place = None,
                }
                continue;
            }
            let length = peek_length(&place.body).ok_or_else(|| place.corrupt())?;
            let wanted = place.body_offset >= self.next;
            if wanted && !entries.is_empty() && bytes + length > bytes_max {
                return Ok(());
            }
            let payload = take_record(&mut place.body).ok_or_else(|| place.corrupt())?;
            let offset = place.body_offset;
            place.body_offset += 1;
            if wanted {
                bytes += length;
                self.next = offset + 1;
                entries.push(Entry { offset, payload });
            }
        }
        Ok(())
    }
}

enum Loaded {
    Batch,
    CaughtUp,
    SegmentDone,
}

impl Place {
    fn find(shared: &Shared, offset: u64) -> Result<Place, JournalError> {
        let out_of_range = || JournalError::OffsetOutOfRange {
            folder: shared.folder.clone(),
            wanted: offset,
            first: shared.first(),
            end: shared.end(),
        };
        if offset > shared.end() {
            return Err(out_of_range());
        }
        let segment = shared.segment_of(offset).ok_or_else(out_of_range)?;
        let file = match File::open(&segment.path) {
            Ok(file) => file,
            // Retention was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(out_of_range()),
            Err(error) => return Err(JournalError::io("open", &segment.path)(error)),
        };
        let (body_offset, position) = segment.start_for(offset);
        Ok(Place {
            segment,
            frames: Frames::new(file, position),
            body: Bytes::new(),
            body_offset,
            batch_position: position,
        })
    }

    /// Takes the next batch of the segment in hand.
    fn load(&mut self, shared: &Shared) -> Result<Loaded, JournalError> {
        // Asked before the length: a segment that is sealed has its last length.
        let sealed = self.segment.is_sealed();
        let step = self.frames.step(self.segment.bytes());
        match step.map_err(JournalError::io("read", &self.segment.path))? {
            Step::Batch {
                header,
                position,
                body,
            } if header.base == self.body_offset => {
                self.segment.note(header.base, position);
                self.batch_position = position;
                self.body = body;
                Ok(Loaded::Batch)
            }
            Step::End if !sealed => Ok(Loaded::CaughtUp),
            Step::End => {
                // The next segment's name tells where this one must end.
                let next = shared.segment_of(self.body_offset);
                if next.is_none_or(|next| next.base == self.body_offset) {
                    Ok(Loaded::SegmentDone)
                } else {
                    Err(self.corrupt_at(self.frames.position()))
                }
            }
            Step::Batch { position, .. } => Err(self.corrupt_at(position)),
            Step::Bad => Err(self.corrupt_at(self.frames.position())),
        }
    }

    fn corrupt(&self) -> JournalError {
        self.corrupt_at(self.batch_position)
    }

    fn corrupt_at(&self, position: u64) -> JournalError {
        JournalError::Corrupt {
            file: self.segment.path.clone(),
            position,
            offset: self.body_offset,
        }
    }
}
