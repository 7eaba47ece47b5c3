//! One writer per folder: an advisory lock on the file `lock`, released by the system when its holder dies.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

use crate::error::JournalError;

/// Holds a folder for one writer until dropped.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Creates `folder` if it is missing and locks it.
    ///
    /// # Errors
    /// [`JournalError::Locked`] if anyone holds it, this process included; [`JournalError::Io`].
    pub fn take(folder: &Path) -> Result<FolderLock, JournalError> {
        fs::create_dir_all(folder).map_err(JournalError::io("create", folder))?;
        let path = folder.join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(JournalError::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(JournalError::Locked {
                    folder: folder.to_path_buf(),
                    holder: holder(&mut file),
                });
            }
            Err(TryLockError::Error(source)) => return Err(JournalError::io("lock", &path)(source)),
        }
        // Only a help for whoever finds the folder locked; the lock itself does not depend on it.
        let named = file
            .set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        named.map_err(JournalError::io("write", &path))?;
        Ok(FolderLock { _file: file })
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file
        .read_to_string(&mut text)
        .ok()
        .and_then(|_| text.trim().parse::<u32>().ok())
    {
        Some(id) => format!("process {id}"),
        None => "another process".to_owned(),
    }
}
