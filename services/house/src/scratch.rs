//! Where a program keeps everything: the folder its user named, or a temporary one.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// A folder to work in.
#[derive(Debug)]
pub enum Scratch {
    /// The folder the user named.
    Named(PathBuf),
    /// A new one in the system's temporary folder, which goes when this is dropped.
    Own(PathBuf),
}

impl Scratch {
    /// The folder the user named, else a new one. `purpose` becomes part of its name.
    ///
    /// # Errors
    /// Where no temporary folder can be made.
    pub fn new(named: Option<&Path>, purpose: &str) -> anyhow::Result<Scratch> {
        if let Some(path) = named {
            return Ok(Scratch::Named(path.to_path_buf()));
        }
        for attempt in 0..1000 {
            let path =
                std::env::temp_dir().join(format!("ceteris-{purpose}-{}-{attempt}", std::process::id()));
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(Scratch::Own(path)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| format!("create {}", path.display())),
            }
        }
        anyhow::bail!("no free name for a temporary folder")
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        match self {
            Scratch::Named(path) | Scratch::Own(path) => path,
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Scratch::Own(path) = self {
            // It lies in the system's temporary folder; what cannot be removed now goes with that.
            let _ = std::fs::remove_dir_all(path);
        }
    }
}
