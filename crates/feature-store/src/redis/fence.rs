//! What an owner knows of its slot: the epoch its blobs carry, and at which flush the marker stands.
//!
//! Redis may lose the end of its writes, and a call that timed out may still be carried out later. So each flush names the
//! flushes at which the marker may stand: the last one acknowledged, and one more for each whose fate is not known. A
//! marker that fell behind has lost writes; one that was moved by a newer attempt refuses the older one when it arrives.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::marker::{Epoch, Stored};
use crate::port::{Owner, Slot};

/// One owner's knowledge of its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) owner: Owner,
    pub(super) epoch: Epoch,
    /// The last flush that was acknowledged.
    pub(super) acknowledged: u64,
    /// Flushes sent since of which nothing was heard.
    pub(super) unheard: u64,
}

impl Known {
    /// What a marker says to its owner.
    pub(super) fn of(stored: Stored) -> Known {
        Known {
            owner: stored.owner,
            epoch: stored.epoch,
            acknowledged: stored.flush,
            unheard: 0,
        }
    }
}

/// By slot; holding a slot's entry keeps its flushes one after another.
#[derive(Debug, Default)]
pub(super) struct Fences {
    slots: Mutex<HashMap<Slot, Arc<tokio::sync::Mutex<Option<Known>>>>>,
}

impl Fences {
    pub(super) fn of(&self, slot: Slot) -> Arc<tokio::sync::Mutex<Option<Known>>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(slot).or_default())
    }
}
