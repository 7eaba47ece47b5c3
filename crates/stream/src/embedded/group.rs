//! A consumer group within this process: who is a member, and who holds which partition.
//!
//! A partition whose member-to-be is not its holder is first revoked from the holder, who lets it go at its next call;
//! only then is it given on. So two members never hold a partition at once.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::offsets::OffsetFile;

pub(super) struct Group {
    pub(super) offsets: OffsetFile,
    state: Mutex<State>,
}

struct State {
    members: Vec<u64>,
    next_member: u64,
    holders: Vec<Option<u64>>,
}

/// What a member has to be told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    Assigned(Vec<u32>),
    Revoked(Vec<u32>),
}

impl Group {
    pub(super) fn new(offsets: OffsetFile, partitions: usize) -> Group {
        let state = State {
            members: Vec::new(),
            next_member: 0,
            holders: vec![None; partitions],
        };
        Group {
            offsets,
            state: Mutex::new(state),
        }
    }

    pub(super) fn join(&self) -> u64 {
        let mut state = self.lock();
        let member = state.next_member;
        state.next_member += 1;
        state.members.push(member);
        member
    }

    pub(super) fn leave(&self, member: u64) {
        let mut state = self.lock();
        state.members.retain(|&known| known != member);
        for holder in &mut state.holders {
            if *holder == Some(member) {
                *holder = None;
            }
        }
    }

    /// Compares what `member` holds with what it should. Assigned partitions are its own from now on; revoked ones stay
    /// its own until [`release`](Self::release).
    pub(super) fn change(&self, member: u64) -> Option<Change> {
        let mut state = self.lock();
        let (mut revoked, mut assigned) = (Vec::new(), Vec::new());
        for partition in 0..state.holders.len() {
            let due = state.members[partition % state.members.len()] == member;
            match state.holders[partition] {
                Some(holder) if holder == member && !due => revoked.push(partition as u32),
                None if due => assigned.push(partition as u32),
                _ => {}
            }
        }
        if !revoked.is_empty() {
            return Some(Change::Revoked(revoked));
        }
        for &partition in &assigned {
            state.holders[partition as usize] = Some(member);
        }
        (!assigned.is_empty()).then_some(Change::Assigned(assigned))
    }

    /// Lets go of partitions that were revoked.
    pub(super) fn release(&self, partitions: &[u32]) {
        let mut state = self.lock();
        for &partition in partitions {
            state.holders[partition as usize] = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_moves_only_after_its_holder_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let group = Group::new(OffsetFile::open(&folder.path().join("g")).unwrap(), 3);
        let first = group.join();
        assert_eq!(group.change(first), Some(Change::Assigned(vec![0, 1, 2])));
        assert_eq!(group.change(first), None);
        let second = group.join();
        assert_eq!(group.change(second), None);
        assert_eq!(group.change(first), Some(Change::Revoked(vec![1])));
        assert_eq!(group.change(second), None);
        group.release(&[1]);
        assert_eq!(group.change(second), Some(Change::Assigned(vec![1])));
        group.leave(first);
        assert_eq!(group.change(second), Some(Change::Assigned(vec![0, 2])));
    }
}
