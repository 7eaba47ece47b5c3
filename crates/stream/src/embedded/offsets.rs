//! A group's committed offsets: one file with a 16-byte slot for each partition.
//!
//! A commit overwrites its slot in place. That is one small aligned `pwrite` into the page cache, short enough to be
//! made inline in async code, and a killed process leaves the slot old or new. A slot whose checksum is wrong, after a
//! power loss, counts as never committed: the group reads again what it had read.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::StreamError;

const SLOT_BYTES: usize = 16;

#[derive(Debug)]
pub(super) struct OffsetFile {
    path: PathBuf,
    file: File,
}

impl OffsetFile {
    pub(super) fn open(path: &Path) -> Result<OffsetFile, StreamError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(StreamError::io("create", folder))?;
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path);
        let file = file.map_err(StreamError::io("open", path))?;
        Ok(OffsetFile {
            path: path.to_path_buf(),
            file,
        })
    }

    pub(super) fn set(&self, partition: u32, next_offset: u64) -> Result<(), StreamError> {
        let mut slot = [0; SLOT_BYTES];
        slot[..8].copy_from_slice(&next_offset.to_le_bytes());
        slot[8..12].copy_from_slice(&checksum(partition, next_offset).to_le_bytes());
        self.file
            .write_all_at(&slot, position(partition))
            .map_err(StreamError::io("write", &self.path))
    }

    pub(super) fn get(&self, partition: u32) -> Result<Option<u64>, StreamError> {
        let mut slot = [0; SLOT_BYTES];
        match self.file.read_exact_at(&mut slot, position(partition)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(StreamError::io("read", &self.path)(error)),
        }
        let next_offset = u64::from_le_bytes(std::array::from_fn(|i| slot[i]));
        let stored = u32::from_le_bytes(std::array::from_fn(|i| slot[8 + i]));
        if stored == checksum(partition, next_offset) {
            return Ok(Some(next_offset));
        }
        if slot != [0; SLOT_BYTES] {
            tracing::warn!(file = %self.path.display(), partition, "a committed offset is damaged and ignored");
        }
        Ok(None)
    }
}

fn position(partition: u32) -> u64 {
    u64::from(partition) * SLOT_BYTES as u64
}

/// Never 0 for a slot of zeros, as a hole in the file has, because the partition is counted from 1 in it.
fn checksum(partition: u32, next_offset: u64) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&(u64::from(partition) + 1).to_le_bytes());
    hasher.update(&next_offset.to_le_bytes());
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_holds_what_was_set_and_a_damaged_or_missing_one_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("groups/g");
        let offsets = OffsetFile::open(&path).unwrap();
        offsets.set(2, 0).unwrap();
        offsets.set(0, 77).unwrap();
        let again = OffsetFile::open(&path).unwrap();
        let read: Vec<_> = (0..4).map(|partition| again.get(partition).unwrap()).collect();
        assert_eq!(read, [Some(77), None, Some(0), None]);
        let mut bytes = fs::read(&path).unwrap();
        bytes[3] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert_eq!(again.get(0).unwrap(), None);
    }
}
