//! The answer to one spooled append: a future for async callers, a wait for threads. It needs no runtime.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::error::SpoolError;

type Answer = Result<u64, SpoolError>;

/// Resolves to the record's offset once it is as durable as the journal's `sync` says. Dropping it does not take the
/// record back.
#[derive(Debug)]
#[must_use = "the record is durable only once this has resolved"]
pub struct Appended {
    slot: Arc<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    state: Mutex<State>,
    answered: Condvar,
}

#[derive(Debug, Default)]
struct State {
    answer: Option<Answer>,
    waker: Option<Waker>,
    /// A thread waits; telling those that none waits for would be a system call for nothing.
    blocked: bool,
}

impl Appended {
    /// A pair of which the first resolves when the second is told.
    pub(crate) fn pair() -> (Appended, Completion) {
        let slot = Arc::new(Slot::default());
        (
            Appended {
                slot: Arc::clone(&slot),
            },
            Completion { slot: Some(slot) },
        )
    }

    /// Blocks the thread until the answer is there.
    ///
    /// # Errors
    /// Why the record was not written.
    pub fn wait(self) -> Result<u64, SpoolError> {
        let mut state = self.slot.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(answer) = state.answer.take() {
                return answer;
            }
            state.blocked = true;
            state = self
                .slot
                .answered
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Future for Appended {
    type Output = Result<u64, SpoolError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let mut state = self.slot.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &state.answer {
            Some(answer) => Poll::Ready(answer.clone()),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// The sending side. Dropped untold, as when the spool's thread dies, it answers [`SpoolError::Closed`].
#[derive(Debug)]
pub(crate) struct Completion {
    slot: Option<Arc<Slot>>,
}

impl Completion {
    pub(crate) fn tell(mut self, answer: Answer) {
        self.answer(answer);
    }

    fn answer(&mut self, answer: Answer) {
        let Some(slot) = self.slot.take() else { return };
        let mut state = slot.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.answer = Some(answer);
        let waker = state.waker.take();
        let blocked = state.blocked;
        drop(state);
        if blocked {
            slot.answered.notify_all();
        }
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        self.answer(Err(SpoolError::Closed));
    }
}
