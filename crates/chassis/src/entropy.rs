//! Secret bytes from the operating system: for keys and for nonces that tell one process from another, never for results.

use std::fs::File;
use std::io::Read;

/// Fills `bytes`.
///
/// # Errors
/// Where the operating system gives no random bytes.
pub fn fill(bytes: &mut [u8]) -> std::io::Result<()> {
    File::open("/dev/urandom")?.read_exact(bytes)
}

/// A random number of 64 bits, so that no other process draws the same one.
///
/// # Errors
/// As [`fill`].
pub fn nonce() -> std::io::Result<u64> {
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}
