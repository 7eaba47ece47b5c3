//! A reader's place in a small file that is replaced atomically.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::JournalError;
use crate::journal::SyncMode;

/// An offset that survives its process: the next record to read. One owner at a time.
#[derive(Debug)]
pub struct CursorFile {
    path: PathBuf,
    sync: SyncMode,
    next: Option<u64>,
}

impl CursorFile {
    /// Opens the cursor in the file `path`; a missing file is a cursor that was never set.
    ///
    /// # Errors
    /// [`JournalError::BadCursor`] if the file holds something else, [`JournalError::Io`].
    pub fn open(path: impl Into<PathBuf>, sync: SyncMode) -> Result<CursorFile, JournalError> {
        let path = path.into();
        let next = match fs::read_to_string(&path) {
            Ok(text) => Some(parse(&path, &text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(JournalError::io("read", &path)(error)),
        };
        Ok(CursorFile { path, sync, next })
    }

    /// The next offset to read; `None` if it was never set.
    pub fn get(&self) -> Option<u64> {
        self.next
    }

    /// Moves the cursor; does nothing if it is there already.
    ///
    /// # Errors
    /// [`JournalError::Io`]; the file then holds the old place or the new one, whole.
    pub fn set(&mut self, next: u64) -> Result<(), JournalError> {
        if self.next != Some(next) {
            let checksum = crc32fast::hash(&next.to_le_bytes());
            replace_file(
                &self.path,
                format!("{next} {checksum:08x}\n").as_bytes(),
                self.sync,
            )?;
            self.next = Some(next);
        }
        Ok(())
    }
}

fn parse(path: &Path, text: &str) -> Result<u64, JournalError> {
    let parsed = text.trim_end().split_once(' ').and_then(|(next, checksum)| {
        let next: u64 = next.parse().ok()?;
        let checksum = u32::from_str_radix(checksum, 16).ok()?;
        (checksum == crc32fast::hash(&next.to_le_bytes())).then_some(next)
    });
    parsed.ok_or_else(|| JournalError::BadCursor {
        file: path.to_path_buf(),
        content: text.chars().take(40).collect(),
    })
}

/// Puts `bytes` in the place of the file `path`, so that it holds the old content or the new, never a mixture. The
/// caller sees to it that only one replaces a file at a time.
///
/// # Errors
/// [`JournalError::Io`].
pub fn replace_file(path: &Path, bytes: &[u8], sync: SyncMode) -> Result<(), JournalError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    let failed = |source| JournalError::io("replace", path)(source);
    let mut file = File::create(&new).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    if sync == SyncMode::Disk {
        file.sync_data().map_err(failed)?;
    }
    fs::rename(&new, path).map_err(failed)?;
    if sync == SyncMode::Disk
        && let Some(folder) = path.parent()
    {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(failed)?;
    }
    Ok(())
}
