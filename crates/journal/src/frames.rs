//! Walks one segment file batch by batch, checking each; the one reading path of opening, seeking and reading.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use bytes::{Buf, Bytes};

use crate::frame::{HEADER_BYTES, Header, MAGIC};

/// Bytes asked of the system at once, unless a batch is larger.
const CHUNK_BYTES: u64 = 256 << 10;

/// What lies at the walker's position.
pub(crate) enum Step {
    /// A sound batch; the walker now stands behind it.
    Batch {
        header: Header,
        position: u64,
        body: Bytes,
    },
    /// The limit.
    End,
    /// Bytes that are no sound, whole batch. The walker does not move.
    Bad,
}

/// A place in a segment file and the bytes read ahead of it.
#[derive(Debug)]
pub(crate) struct Frames {
    file: File,
    position: u64,
    ahead: Bytes,
}

impl Frames {
    /// Starts at `position`, where a batch begins.
    pub(crate) fn new(file: File, position: u64) -> Frames {
        Frames {
            file,
            position,
            ahead: Bytes::new(),
        }
    }

    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Goes one batch on. Only bytes before `limit` are looked at.
    pub(crate) fn step(&mut self, limit: u64) -> io::Result<Step> {
        let left = limit.saturating_sub(self.position);
        if left == 0 {
            return Ok(Step::End);
        }
        if left < HEADER_BYTES as u64 {
            return Ok(Step::Bad);
        }
        self.fill(HEADER_BYTES as u64, left)?;
        let Some(header) = Header::parse(&self.ahead) else {
            return Ok(Step::Bad);
        };
        if header.frame_bytes() > left {
            return Ok(Step::Bad);
        }
        self.fill(header.frame_bytes(), left)?;
        if self.ahead.len() < header.frame_bytes() as usize
            || !header.matches(&self.ahead[..header.frame_bytes() as usize])
        {
            return Ok(Step::Bad);
        }
        let position = self.position;
        let mut body = self.ahead.split_to(header.frame_bytes() as usize);
        body.advance(HEADER_BYTES);
        self.position += header.frame_bytes();
        Ok(Step::Batch {
            header,
            position,
            body,
        })
    }

    /// Makes `wanted` bytes available ahead, reading a chunk; a file shorter than it should be leaves fewer.
    fn fill(&mut self, wanted: u64, left: u64) -> io::Result<()> {
        if self.ahead.len() as u64 >= wanted {
            return Ok(());
        }
        self.ahead = read_range(&self.file, self.position, wanted.max(CHUNK_BYTES).min(left))?;
        Ok(())
    }

    /// Whether a sound batch with an offset above `offset` begins anywhere in `(position, limit)`: then what lies at the
    /// position is damage, and not the unfinished end of a write.
    pub(crate) fn sound_batch_follows(&self, limit: u64, offset: u64) -> io::Result<bool> {
        let rest = read_range(&self.file, self.position, limit.saturating_sub(self.position))?;
        let starts = rest
            .windows(MAGIC.len())
            .enumerate()
            .skip(1)
            .filter(|(_, window)| **window == MAGIC);
        for (start, _) in starts {
            let tail = &rest[start..];
            let Some(header) = Header::parse(tail) else {
                continue;
            };
            let whole = tail.get(..header.frame_bytes() as usize);
            if header.base > offset && whole.is_some_and(|frame| header.matches(frame)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn read_range(file: &File, position: u64, length: u64) -> io::Result<Bytes> {
    let mut buffer = vec![0; length as usize];
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], position + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(filled);
    Ok(Bytes::from(buffer))
}
