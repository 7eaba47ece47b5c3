//! How long to leave a backend alone after a passing fault: longer each time, within a bound.

use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(100);
/// A backend that is back after hours is found within this.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The pauses of one backend.
#[derive(Debug)]
pub(crate) struct Backoff {
    pause: Duration,
    until: Option<Instant>,
}

impl Backoff {
    /// A backend nothing is wrong with.
    pub(crate) fn new() -> Backoff {
        Backoff {
            pause: PAUSE,
            until: None,
        }
    }

    /// It failed: answers how long it is left alone.
    pub(crate) fn failed(&mut self) -> Duration {
        let pause = self.pause;
        self.until = Some(Instant::now() + pause);
        self.pause = (pause * 2).min(PAUSE_MAX);
        pause
    }

    /// It answered.
    pub(crate) fn answered(&mut self) {
        *self = Backoff::new();
    }

    /// Until when it is left alone, if it failed last.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// True where it may be asked.
    pub(crate) fn may_ask(&self) -> bool {
        self.until.is_none_or(|until| until <= Instant::now())
    }
}
