//! One writer per folder: an advisory lock on the file `lock`, released by the system when its holder dies.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

use crate::error::JournalError;

/// Holds a folder for one writer until dropped.
#[derive(Debug)]
pub struct FolderLock {
    file: File,
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
        Ok(FolderLock { file })
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Closing alone is not enough: a child process being started holds a copy of the file until it runs its program.
        // What cannot be unlocked is released when the last copy closes.
        let _ = self.file.unlock();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_the_file_in_a_starting_child_does_not_outlive_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let lock = FolderLock::take(folder.path()).unwrap();
        let copy = lock.file.try_clone().unwrap();
        assert!(matches!(
            FolderLock::take(folder.path()),
            Err(JournalError::Locked { .. })
        ));
        drop(lock);
        FolderLock::take(folder.path()).unwrap();
        drop(copy);
    }
}
