//! Arrivals by the clock: the n-th is due at a fixed instant, whatever became of those before it.
//!
//! Latency is counted from there. A server that stalls is charged with every request that came due meanwhile, and not only
//! with the one that was under way: nothing is omitted because the load politely waited.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// A sleeping thread wakes late by about this much; the rest is waited for awake.
const AWAKE: Duration = Duration::from_micros(150);
/// Room between making a schedule and its first arrival.
const LEAD: Duration = Duration::from_millis(20);

/// `count` arrivals, `rate` of them a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    start: Instant,
    rate: f64,
    count: u64,
}

impl Schedule {
    /// From a moment on, as many as fit into `span`, at least one.
    pub(crate) fn new(rate: u32, span: Duration) -> Schedule {
        let rate = f64::from(rate.max(1));
        Schedule {
            start: Instant::now() + LEAD,
            rate,
            count: ((rate * span.as_secs_f64()).floor() as u64).max(1),
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// When the first is due.
    pub(crate) fn start(&self) -> Instant {
        self.start
    }

    /// When the n-th is due, from 0. Each is worked out from the start, so that no rounding adds up.
    pub(crate) fn due(&self, n: u64) -> Instant {
        self.start + Duration::from_secs_f64(n as f64 / self.rate)
    }

    /// Adds a permit at each arrival, from a thread of its own: neither a busy runtime nor its coarse timers delay it.
    /// Behind the last come `more` permits, by which those who wait see that it is over.
    pub(crate) fn release(self, arrivals: Arc<Semaphore>, more: usize) -> thread::JoinHandle<()> {
        thread::spawn(move || {
            for n in 0..self.count {
                wait_until(self.due(n));
                arrivals.add_permits(1);
            }
            arrivals.add_permits(more);
        })
    }
}

fn wait_until(due: Instant) {
    loop {
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        match left.checked_sub(AWAKE) {
            Some(asleep) if !asleep.is_zero() => thread::sleep(asleep),
            _ => thread::yield_now(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn arrivals_are_evenly_spaced_from_the_start() {
        let schedule = Schedule::new(3, Duration::from_secs(100));
        assert_eq!(schedule.count(), 300);
        let after = |n| schedule.due(n) - schedule.start();
        assert_eq!(after(0), Duration::ZERO);
        assert_eq!(after(3), Duration::from_secs(1));
        assert_eq!(after(299), Duration::from_secs_f64(299.0 / 3.0));
        assert_eq!(Schedule::new(1, Duration::ZERO).count(), 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn no_arrival_is_early_and_none_waits_for_another() {
        let schedule = Schedule::new(2_000, Duration::from_millis(100));
        let arrivals = Arc::new(Semaphore::new(0));
        let pacer = schedule.release(Arc::clone(&arrivals), 2);
        let next = AtomicU64::new(0);
        // One waiter never goes on after its first arrival; the other gets all the rest, up to the end.
        let first = arrivals.acquire().await.expect("it is not closed");
        first.forget();
        assert!(Instant::now() >= schedule.due(next.fetch_add(1, Ordering::Relaxed)));
        loop {
            arrivals.acquire().await.expect("it is not closed").forget();
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= schedule.count() {
                break;
            }
            assert!(Instant::now() >= schedule.due(n), "{n} is early");
        }
        assert_eq!(schedule.count(), 200);
        pacer.join().expect("the pacer ends");
        assert_eq!(arrivals.available_permits(), 1);
    }
}
