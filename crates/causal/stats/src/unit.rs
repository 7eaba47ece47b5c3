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

/// Numbers the distinct units in the order of their keys; gives each row's number, and the units.
pub fn numbered(units: &[Unit]) -> (Vec<usize>, Vec<Unit>) {
    // The bytes as one number have the order of the bytes, and compare in one step.
    let mut sorted: Vec<(u128, usize)> = units
        .iter()
        .enumerate()
        .map(|(row, unit)| (u128::from_be_bytes(unit.0), row))
        .collect();
    sorted.sort_unstable();
    let (mut of_row, mut distinct) = (vec![0; units.len()], Vec::new());
    let mut last = None;
    for (key, row) in sorted {
        if last.replace(key) != Some(key) {
            distinct.push(Unit(key.to_be_bytes()));
        }
        of_row[row] = distinct.len() - 1;
    }
    (of_row, distinct)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_keys_and_not_the_rows() {
        let [a, b, c] = [[1; 16], [2; 16], [3; 16]].map(Unit);
        assert_eq!(numbered(&[c, a, c, b, a]), (vec![2, 0, 2, 1, 0], vec![a, b, c]));
        // Least significant byte first: 256 comes before 1.
        let rows = Unit::one_per_row(300);
        let (of_row, distinct) = numbered(&rows);
        assert!(distinct.is_sorted() && of_row[256] < of_row[1]);
        assert!(rows.iter().zip(&of_row).all(|(unit, &n)| distinct[n] == *unit));
    }
}
