//! Pauses between the attempts of writers that race for one name.

use std::time::Duration;

use ceteris_contract::murmur2::murmur2;

/// The longest pause.
const PAUSE_US_MAX: u64 = 128_000;

/// How long to wait before an attempt, the first of which is number 0: none at first, then up to 2 ms, doubling up to
/// 128 ms. Half of it is jitter, which follows from the content to be written, so that two writers do not keep step.
pub fn race_pause(content: &[u8], attempt: u32) -> Duration {
    if attempt == 0 {
        return Duration::ZERO;
    }
    let longest_us = (1000 << attempt.min(7)).min(PAUSE_US_MAX);
    let salt = u64::from(murmur2(content).wrapping_mul(attempt | 1));
    Duration::from_micros(longest_us / 2 + salt % (longest_us / 2 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_within_their_bound_and_differ_between_writers() {
        assert_eq!(race_pause(b"a", 0), Duration::ZERO);
        for attempt in 1..40 {
            let longest = Duration::from_millis((1 << attempt.min(7)).min(128));
            let pause = race_pause(b"a", attempt);
            assert!(pause >= longest / 2 && pause <= longest, "{attempt}: {pause:?}");
            assert_ne!(pause, race_pause(b"b", attempt));
        }
    }
}
