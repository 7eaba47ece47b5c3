//! The units of a table's rows: by a column of names, or each row by itself.

use std::collections::BTreeMap;

use ceteris_stats::{Unit, hash};
use ceteris_table::Table;

/// Rows as units of their own, each known by its cells and not by its place: a table in another order is cut into the
/// same folds. Among rows that are alike in every cell, which may be exchanged, their order in the table counts.
pub(crate) fn rows_by_content(table: &Table) -> Vec<Unit> {
    let mut names: Vec<&String> = table.names().iter().collect();
    names.sort_unstable();
    let columns: Vec<&[Option<String>]> = names.iter().filter_map(|name| table.text(name)).collect();
    let mut alike: BTreeMap<[u8; 16], u64> = BTreeMap::new();
    let mut content = Vec::new();
    (0..table.len())
        .map(|row| {
            content.clear();
            for column in &columns {
                match &column[row] {
                    None => content.push(0),
                    // One number may be written in several ways.
                    Some(cell) => match cell.parse::<f64>() {
                        Ok(number) => {
                            content.push(1);
                            content.extend(number.to_bits().to_le_bytes());
                        }
                        Err(_) => {
                            content.push(2);
                            content.extend((cell.len() as u64).to_le_bytes());
                            content.extend(cell.as_bytes());
                        }
                    },
                }
            }
            let mut key = key_of(&content);
            let before = alike.entry(key).or_default();
            if *before > 0 {
                content.extend(before.to_le_bytes());
                key = key_of(&content);
            }
            *before += 1;
            Unit::from(key)
        })
        .collect()
}

/// The unit of a name in the table.
pub(crate) fn unit_of(name: &str) -> Unit {
    Unit::from(key_of(name.as_bytes()))
}

fn key_of(bytes: &[u8]) -> [u8; 16] {
    let mut key = [0u8; 16];
    key[..8].copy_from_slice(&hash(0, bytes, 1).to_le_bytes());
    key[8..].copy_from_slice(&hash(0, bytes, 2).to_le_bytes());
    key
}
