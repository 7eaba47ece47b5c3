//! The clock of a service: the machine's wall clock, or the newest instant of the events that it has seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ceteris_contract::time::Timestamp;

/// A source of instants. Cheap to clone; clones share their state.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    Wall,
    /// The newest instant the stream has shown; it never goes back.
    Events(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that follows the stream from `start` on.
    pub fn events(start: Timestamp) -> Self {
        Clock::Events(Arc::new(AtomicI64::new(start.0)))
    }

    /// The current instant.
    pub fn now(&self) -> Timestamp {
        match self {
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the one place that reads the wall clock"
            )]
            Clock::Wall => Timestamp(chrono::Utc::now().timestamp_micros()),
            Clock::Events(newest) => Timestamp(newest.load(Ordering::Acquire)),
        }
    }

    /// Moves an event clock forward to an instant that the stream has shown. Does nothing on the wall clock.
    pub fn observe(&self, seen: Timestamp) {
        if let Clock::Events(newest) = self {
            newest.fetch_max(seen.0, Ordering::AcqRel);
        }
    }

    /// True where time follows the stream.
    pub fn follows_events(&self) -> bool {
        matches!(self, Clock::Events(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_clock_follows_the_stream_and_never_goes_back() {
        let clock = Clock::events(Timestamp(10));
        let twin = clock.clone();
        clock.observe(Timestamp(30));
        clock.observe(Timestamp(20));
        assert_eq!(twin.now(), Timestamp(30));
    }

    #[test]
    fn the_wall_goes_on() {
        let clock = Clock::Wall;
        clock.observe(Timestamp::MAX);
        assert!(clock.now() < Timestamp::MAX && clock.now() > Timestamp(1_700_000_000_000_000));
    }
}
