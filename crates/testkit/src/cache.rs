//! What has to be downloaded, made once and kept in the user's cache.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Context;
use sha2::{Digest, Sha256};

/// The folder of this project in the user's cache.
///
/// # Errors
/// Where neither `XDG_CACHE_HOME` nor `HOME` is set.
pub fn folder() -> anyhow::Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME") {
        Some(cache) if !cache.is_empty() => PathBuf::from(cache),
        _ => PathBuf::from(std::env::var_os("HOME").context("HOME is not set: set it, or XDG_CACHE_HOME")?)
            .join(".cache"),
    };
    Ok(base.join("ceteris"))
}

/// The folder `<name>-<12 hex of recipe>` of the cache, filled by `make` where it is not there yet. Processes that want
/// it at the same time wait for the first one; a `make` that was killed half-way is begun anew.
///
/// `recipe` is everything that decides the content, so that another recipe gets another folder. `make` gets an empty
/// folder that already has its final path (some tools write their own path into what they install); the folder counts
/// as made once a marker file lies beside it. Blocks.
///
/// # Errors
/// Those of `make` and of the file system.
pub fn made_once(
    name: &str,
    recipe: &str,
    make: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<PathBuf> {
    let cache = folder()?;
    fs::create_dir_all(&cache).with_context(|| format!("create {}", cache.display()))?;
    let digest = Sha256::digest(recipe.as_bytes());
    let hex: String = digest[..6].iter().map(|byte| format!("{byte:02x}")).collect();
    let place = cache.join(format!("{name}-{hex}"));
    let marker = cache.join(format!("{name}-{hex}.made"));
    let lock_path = cache.join(format!("{name}-{hex}.lock"));
    let lock = File::create(&lock_path).with_context(|| format!("create {}", lock_path.display()))?;
    lock.lock()
        .with_context(|| format!("lock {}", lock_path.display()))?;
    if !marker.exists() {
        if place.exists() {
            fs::remove_dir_all(&place).with_context(|| format!("remove {}", place.display()))?;
        }
        fs::create_dir_all(&place).with_context(|| format!("create {}", place.display()))?;
        make(&place).with_context(|| format!("make {}", place.display()))?;
        fs::write(&marker, recipe).with_context(|| format!("write {}", marker.display()))?;
    }
    Ok(place)
}
