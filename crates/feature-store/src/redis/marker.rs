//! The marker as Redis holds it, readable by eye: `owner next_offset instant epoch flush`, with `-` for the offset and the
//! instant before the first flush. The scripts read the same form.

use bytes::Bytes;
use ceteris_contract::time::Timestamp;

use crate::port::{Marker, Owner};

/// Blobs of a slot begin with its epoch; those of another one are void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Epoch(pub(super) u64);

impl Epoch {
    /// Bytes it takes before a blob.
    pub(super) const BYTES: usize = 8;

    /// The bytes before a blob.
    pub(super) fn bytes(self) -> [u8; Epoch::BYTES] {
        self.0.to_be_bytes()
    }

    /// As it stands in a marker.
    pub(super) fn text(self) -> String {
        format!("{:016x}", self.0)
    }

    /// The blob without its epoch; nothing where it is of another one.
    pub(super) fn strip(self, stored: Vec<u8>) -> Option<Bytes> {
        stored
            .starts_with(&self.bytes())
            .then(|| Bytes::from(stored).slice(Epoch::BYTES..))
    }
}

/// As an owner stands in a marker.
pub(super) fn owner_text(owner: Owner) -> String {
    format!("{:016x}", owner.0)
}

/// A slot's marker with what the port does not show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) owner: Owner,
    /// Next offset and instant of the last flush.
    pub(super) place: Option<(u64, Timestamp)>,
    pub(super) epoch: Epoch,
    /// Flushes and resets so far.
    pub(super) flush: u64,
}

impl Stored {
    /// Reads a marker; nothing where the bytes are none.
    pub(super) fn read(text: &[u8]) -> Option<Stored> {
        let mut words = std::str::from_utf8(text).ok()?.split(' ');
        let owner = Owner(u64::from_str_radix(words.next()?, 16).ok()?);
        let place = match (words.next()?, words.next()?) {
            ("-", "-") => None,
            (next, at) => Some((next.parse().ok()?, Timestamp(at.parse().ok()?))),
        };
        let epoch = Epoch(u64::from_str_radix(words.next()?, 16).ok()?);
        let flush = words.next()?.parse().ok()?;
        words.next().is_none().then_some(Stored {
            owner,
            place,
            epoch,
            flush,
        })
    }

    /// As the port shows it.
    pub(super) fn marker(&self) -> Option<Marker> {
        let (next_offset, at) = self.place?;
        Some(Marker {
            owner: self.owner,
            next_offset,
            at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_reads_back_and_nothing_else_does() {
        let epoch = Epoch(0xfeed);
        let text = format!(
            "{} 12 1767225600000000 {} 3",
            owner_text(Owner(u64::MAX)),
            epoch.text()
        );
        let stored = Stored {
            owner: Owner(u64::MAX),
            place: Some((12, Timestamp(1_767_225_600_000_000))),
            epoch,
            flush: 3,
        };
        assert_eq!(Stored::read(text.as_bytes()), Some(stored));
        let fresh = Stored::read(b"0000000000000007 - - 0000000000000007 0").unwrap();
        assert_eq!((fresh.owner, fresh.marker()), (Owner(7), None));
        for bad in ["", "7 - -", "7 - 5 7 0", "7 1 x 7 0", "7 1 1 7 0 0", "g 1 1 7 0"] {
            assert_eq!(Stored::read(bad.as_bytes()), None, "{bad}");
        }
        let mut blob = epoch.bytes().to_vec();
        blob.extend_from_slice(b"state");
        assert_eq!(epoch.strip(blob.clone()), Some(Bytes::from("state")));
        assert_eq!(Epoch(1).strip(blob), None);
        assert_eq!(epoch.strip(Vec::new()), None);
    }
}
