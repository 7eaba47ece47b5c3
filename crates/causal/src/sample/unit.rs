//! The identity of a unit inside the core: sixteen opaque bytes. Where they come from is the caller's affair.

use serde::{Deserialize, Serialize};

/// A unit's opaque key. Rows with equal keys are one unit: one fold, one cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Unit(pub [u8; 16]);

impl Unit {
    /// The sixteen bytes that are hashed.
    pub fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// A unit of its own for each of `n` rows, for tables in which no unit repeats.
    ///
    /// The key is the row's position, so folds then do depend on the order of the file; a caller that has an
    /// identifier should use it.
    pub fn one_per_row(n: usize) -> Vec<Unit> {
        (0..n as u64).map(Unit::from).collect()
    }
}

impl From<u64> for Unit {
    /// Little-endian in the first eight bytes, zero in the rest.
    fn from(id: u64) -> Self {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&id.to_le_bytes());
        Unit(bytes)
    }
}

impl From<[u8; 16]> for Unit {
    fn from(bytes: [u8; 16]) -> Self {
        Unit(bytes)
    }
}
