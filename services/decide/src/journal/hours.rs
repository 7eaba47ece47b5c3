//! For how long the journal takes decisions if the topic takes none from now on, as operators are shown it.

use std::time::{Duration, Instant};

/// The rate is that of about the last five minutes, so that neither a lull nor a burst of seconds moves it much.
const MEMORY: Duration = Duration::from_secs(300);
/// A journal with less room than this is full: nothing is appended then, and a rate of nothing would say for ever.
const ROOM_MIN: u64 = 64 << 10;
/// Rates over less are noise.
const STEP_MIN: Duration = Duration::from_secs(1);

/// The rate at which the journal is filled. The instant is an argument.
#[derive(Debug)]
pub(super) struct FillRate {
    since: Instant,
    appended: u64,
    bytes_per_second: Option<f64>,
}

impl FillRate {
    /// Begins to measure with the bytes appended so far.
    pub(super) fn new(now: Instant, appended: u64) -> Self {
        FillRate {
            since: now,
            appended,
            bytes_per_second: None,
        }
    }

    /// Takes in how many bytes were appended by now.
    pub(super) fn observe(&mut self, now: Instant, appended: u64) {
        let elapsed = now.saturating_duration_since(self.since);
        if elapsed < STEP_MIN {
            return;
        }
        let seconds = elapsed.as_secs_f64();
        let rate = appended.saturating_sub(self.appended) as f64 / seconds;
        let weight = 1.0 - (-seconds / MEMORY.as_secs_f64()).exp();
        self.bytes_per_second = Some(match self.bytes_per_second {
            None => rate,
            Some(before) => before + weight * (rate - before),
        });
        (self.since, self.appended) = (now, appended);
    }

    /// Hours until `room` bytes are filled at this rate; infinite while nothing is appended.
    pub(super) fn hours_left(&self, room: u64) -> f64 {
        match self.bytes_per_second {
            _ if room < ROOM_MIN => 0.0,
            Some(rate) if rate > 0.0 => room as f64 / rate / 3_600.0,
            _ => f64::INFINITY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_rate_gives_the_hours_and_a_lull_moves_them_slowly() {
        let start = Instant::now();
        let mut rate = FillRate::new(start, 500);
        assert_eq!(rate.hours_left(1_000_000), f64::INFINITY);
        assert_eq!(rate.hours_left(1_000), 0.0, "a full journal");
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        for second in 1..=600 {
            rate.observe(at(second), 500 + 1_000 * second);
        }
        // 7.2 GB at 1 kB/s.
        assert!((rate.hours_left(7_200_000_000) - 2_000.0).abs() < 1e-6);
        rate.observe(at(601), 500 + 600_000);
        let after = rate.hours_left(7_200_000_000);
        assert!((2_000.0..2_020.0).contains(&after), "{after}");
        rate.observe(at(601) + Duration::from_millis(1), u64::MAX);
        assert_eq!(
            rate.hours_left(7_200_000_000),
            after,
            "a millisecond is no measure"
        );
        rate.observe(at(20_000), 500 + 600_000);
        assert!(rate.hours_left(7_200_000_000) > 1e6);
    }
}
