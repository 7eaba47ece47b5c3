//! The names of things in Redis. What is between the braces decides the node of a cluster, so that one script reaches a
//! partition's marker and all its blobs.

use ceteris_contract::identity::{UnitKey, hex};
use ceteris_features::SchemaHash;

use crate::port::Slot;

/// Names of one store.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Keys {
            prefix: prefix.to_owned(),
        }
    }

    /// What the store was made for.
    pub(super) fn layout(&self) -> String {
        format!("{}feature-store", self.prefix)
    }

    /// The slot's marker.
    pub(super) fn marker(&self, slot: Slot) -> String {
        let Slot {
            schema: SchemaHash(schema),
            partition,
        } = slot;
        format!("{}{{f{partition:02}}}:{}", self.prefix, hex(&schema))
    }

    /// The blob of a unit, given the name of its slot's marker.
    pub(super) fn blob(marker: &str, unit: UnitKey) -> String {
        format!("{marker}:{unit}")
    }

    /// Matches the blobs of a slot, for a scan.
    pub(super) fn blobs(&self, slot: Slot) -> String {
        // Of all characters in these names only the prefix' own could mean something to a pattern.
        let mut pattern = String::new();
        for c in self.marker(slot).chars() {
            if matches!(c, '*' | '?' | '[' | ']' | '\\' | '^') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern + ":*"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_one_hash_tag() {
        let keys = Keys::new("shop*:");
        let slot = Slot {
            schema: SchemaHash([0xab; 8]),
            partition: 7,
        };
        let marker = keys.marker(slot);
        assert_eq!(marker, "shop*:{f07}:abababababababab");
        assert_eq!(
            Keys::blob(&marker, UnitKey([1; 16])),
            "shop*:{f07}:abababababababab:01010101010101010101010101010101"
        );
        assert_eq!(keys.blobs(slot), "shop\\*:{f07}:abababababababab:*");
    }
}
