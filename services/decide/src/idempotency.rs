//! Replies remembered by decision id, so that a repeated request gets the reply of the first.
//!
//! The memory is bounded, oldest out first. A repeat that comes after its reply was forgotten, or after a restart, is
//! decided again under the same decision id; the store keeps the first.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use tokio::sync::OnceCell;
use uuid::Uuid;

/// What is remembered of one request: what it asked, and the reply once there is one.
#[derive(Debug)]
pub struct Remembered {
    fingerprint: [u8; 32],
    /// The body of the reply. Repeats that come while the first is being decided wait for it.
    pub reply: OnceCell<Bytes>,
}

/// The same key was used for another request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyReused;

/// The most recent idempotent requests.
#[derive(Debug)]
pub struct RecentReplies {
    entries_max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    by_id: HashMap<Uuid, Arc<Remembered>>,
    oldest_first: VecDeque<Uuid>,
}

impl RecentReplies {
    /// A memory of at most `entries_max` requests.
    pub fn new(entries_max: usize) -> Self {
        RecentReplies {
            entries_max: entries_max.max(1),
            state: Mutex::default(),
        }
    }

    /// The place of a request, shared by all that repeat it.
    ///
    /// # Errors
    /// [`KeyReused`] where the id is known with another fingerprint.
    pub fn claim(&self, id: Uuid, fingerprint: [u8; 32]) -> Result<Arc<Remembered>, KeyReused> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = state.by_id.get(&id) {
            return if known.fingerprint == fingerprint {
                Ok(Arc::clone(known))
            } else {
                Err(KeyReused)
            };
        }
        if state.oldest_first.len() >= self.entries_max
            && let Some(oldest) = state.oldest_first.pop_front()
        {
            state.by_id.remove(&oldest);
        }
        let entry = Arc::new(Remembered {
            fingerprint,
            reply: OnceCell::new(),
        });
        state.by_id.insert(id, Arc::clone(&entry));
        state.oldest_first.push_back(id);
        Ok(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_the_newest_and_refuses_another_request() {
        let recent = RecentReplies::new(2);
        let ids: Vec<Uuid> = (0..3).map(Uuid::from_u128).collect();
        let first = recent.claim(ids[0], [0; 32]).unwrap();
        first.reply.set(Bytes::from_static(b"reply")).unwrap();
        assert_eq!(
            recent.claim(ids[0], [0; 32]).unwrap().reply.get().unwrap(),
            "reply"
        );
        assert_eq!(recent.claim(ids[0], [1; 32]).unwrap_err(), KeyReused);
        recent.claim(ids[1], [0; 32]).unwrap();
        recent.claim(ids[2], [0; 32]).unwrap();
        assert!(
            recent.claim(ids[0], [1; 32]).unwrap().reply.get().is_none(),
            "the oldest was forgotten"
        );
    }
}
