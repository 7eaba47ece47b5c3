//! How long something that failed is left alone: at first for a short pause, then for ever longer ones until it works.

use std::time::Duration;

use tokio::time::Instant;

/// The pauses of one thing that is tried again.
#[derive(Clone, Debug)]
pub struct Backoff {
    shortest: Duration,
    longest: Duration,
    pause: Duration,
    until: Option<Instant>,
}

impl Backoff {
    /// Nothing has failed yet. The first pause is the shortest; each further one is twice as long, up to the longest.
    pub const fn new(shortest: Duration, longest: Duration) -> Backoff {
        Backoff {
            shortest,
            longest,
            pause: shortest,
            until: None,
        }
    }

    /// It failed. Gives the pause, after which it may be tried again.
    pub fn failed(&mut self) -> Duration {
        let pause = self.pause;
        self.rest(pause);
        self.pause = (pause * 2).min(self.longest);
        pause
    }

    /// Leaves it alone for a pause of the caller's choice; the next pause after a failure stays as long as it was.
    pub fn rest(&mut self, pause: Duration) {
        self.until = Some(Instant::now() + pause);
    }

    /// It worked: nothing is left of earlier failures.
    pub fn succeeded(&mut self) {
        self.pause = self.shortest;
        self.until = None;
    }

    /// Until when it is left alone, if it failed last. The instant may have passed.
    pub fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Whether it may be tried.
    pub fn is_due(&self) -> bool {
        self.until.is_none_or(|until| until <= Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_anew_after_a_success() {
        let ms = Duration::from_millis;
        let mut backoff = Backoff::new(ms(100), ms(350));
        assert!(backoff.is_due() && backoff.until().is_none());
        let pauses: Vec<Duration> = (0..4).map(|_| backoff.failed()).collect();
        assert_eq!(pauses, [ms(100), ms(200), ms(350), ms(350)]);
        assert!(!backoff.is_due());
        backoff.succeeded();
        assert!(backoff.is_due());
        backoff.rest(ms(5_000));
        assert!(!backoff.is_due());
        assert_eq!(backoff.failed(), ms(100));
    }
}
