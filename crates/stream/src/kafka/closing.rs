//! Members that are leaving their groups: it takes a question to the broker, and no runtime is to wait for that.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How long the end of a log waits for its members to have left. Those that have not are missed after their session.
const PATIENCE: Duration = Duration::from_secs(5);

/// Counts the members that are leaving.
#[derive(Debug, Default)]
pub(super) struct Closing {
    leaving: Mutex<usize>,
    left: Condvar,
}

impl Closing {
    /// Drops `member` on a thread of its own.
    pub(super) fn leave<T: Send + 'static>(self: &Arc<Self>, member: T) {
        *self.lock() += 1;
        let closing = self.clone();
        let work = move || {
            drop(member);
            *closing.lock() -= 1;
            closing.left.notify_all();
        };
        // Without a thread, what `work` holds is dropped here, which leaves too.
        if let Err(error) = thread::Builder::new().name("kafka-leave".to_owned()).spawn(work) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "no thread to leave a group on"
            );
            *self.lock() -= 1;
        }
    }

    /// Waits until all have left, or for long enough.
    pub(super) fn wait(&self) {
        let waited = self
            .left
            .wait_timeout_while(self.lock(), PATIENCE, |leaving| *leaving > 0);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn lock(&self) -> MutexGuard<'_, usize> {
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
