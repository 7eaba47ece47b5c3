//! The circuit breaker: after some failures in a row nothing is tried for a while, then one call is.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerOptions {
    /// Failures in a row that open it.
    pub failures_max: u32,
    /// How long nothing is tried then, and how long after one probe the next may follow.
    pub pause: Duration,
}

impl Default for BreakerOptions {
    /// Five failures, half a second.
    fn default() -> Self {
        BreakerOptions {
            failures_max: 5,
            pause: Duration::from_millis(500),
        }
    }
}

/// Remembers how the last calls went. The instant is an argument.
#[derive(Debug)]
pub struct Breaker {
    options: BreakerOptions,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed { failures: u32 },
    Open { probe_from: Instant },
}

impl Breaker {
    /// A closed breaker.
    pub fn new(options: BreakerOptions) -> Self {
        Breaker {
            options,
            state: Mutex::new(State::Closed { failures: 0 }),
        }
    }

    /// Whether a call may be made now. Where the breaker is open, a call let through is the probe, and the next one may
    /// follow after another pause even if nothing is heard of this one.
    pub fn admit(&self, now: Instant) -> bool {
        let mut state = self.lock();
        match *state {
            State::Closed { .. } => true,
            State::Open { probe_from } if now < probe_from => false,
            State::Open { .. } => {
                *state = State::Open {
                    probe_from: now + self.options.pause,
                };
                true
            }
        }
    }

    /// Whether [`admit`](Self::admit) would let a call through now, without letting it.
    pub fn would_admit(&self, now: Instant) -> bool {
        match *self.lock() {
            State::Closed { .. } => true,
            State::Open { probe_from } => now >= probe_from,
        }
    }

    /// Whether it is open, a probe under way or not.
    pub fn is_open(&self) -> bool {
        matches!(*self.lock(), State::Open { .. })
    }

    /// A call succeeded.
    pub fn succeeded(&self) {
        *self.lock() = State::Closed { failures: 0 };
    }

    /// A call failed.
    pub fn failed(&self, now: Instant) {
        let mut state = self.lock();
        let open = State::Open {
            probe_from: now + self.options.pause,
        };
        *state = match *state {
            State::Closed { failures } if failures + 1 < self.options.failures_max => State::Closed {
                failures: failures + 1,
            },
            _ => open,
        };
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_probes_once_a_pause_and_closes_with_the_first_success() {
        let pause = Duration::from_secs(1);
        let breaker = Breaker::new(BreakerOptions {
            failures_max: 3,
            pause,
        });
        let start = Instant::now();
        breaker.failed(start);
        breaker.failed(start);
        breaker.succeeded();
        breaker.failed(start);
        breaker.failed(start);
        assert!(
            breaker.admit(start) && !breaker.is_open(),
            "a success begins the count anew"
        );
        breaker.failed(start);
        assert!(breaker.is_open() && !breaker.admit(start) && !breaker.would_admit(start));
        let probe = start + pause;
        assert!(breaker.would_admit(probe) && breaker.admit(probe));
        assert!(!breaker.admit(probe), "one probe at a time");
        assert!(
            breaker.admit(probe + pause),
            "a probe of which nothing was heard does not block for ever"
        );
        breaker.failed(probe + pause);
        assert!(
            !breaker.admit(probe + pause),
            "a probe that failed begins a pause"
        );
        assert!(breaker.admit(probe + 2 * pause));
        breaker.succeeded();
        assert!(!breaker.is_open() && breaker.admit(probe));
    }
}
