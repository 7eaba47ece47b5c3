//! Whom to decide for when the world has ended.

use ceteris_contract::decide::DecideRequest;
use ceteris_contract::duration::Span;
use ceteris_contract::time::Timestamp;

use super::arm::Arm;
use super::life::SPACING;
use super::{World, user_id};
use crate::random::Stream;

const REQUESTS: u64 = 8;

impl World {
    /// Up to `n` different users who could have an opportunity at the world's end: whose last one lies at least eight
    /// days back, so that no treatment and no open window of theirs is in the way. The order starts at a random user.
    pub fn users_to_ask(&self, n: usize) -> Vec<String> {
        let users = self.config.users;
        let seed = self.config.seed;
        let first = Stream::keyed(&[seed, REQUESTS]).below(users as usize) as u32;
        let settled = self.end().minus(SPACING);
        (first..users)
            .chain(0..first)
            .filter(|user| {
                let (life, _) = self.story(*user, self.end());
                let idle = life.last_opportunity().is_none_or(|t| t <= settled);
                idle && life.features(self.end()).is_some()
            })
            .take(n)
            .map(user_id)
            .collect()
    }

    /// `n` decide requests for those users, again from the first when there are fewer, with every decidable arm on
    /// offer. With `at`, a request each `every` from there on; without, the service's clock decides.
    pub fn requests(&self, n: usize, at: Option<Timestamp>, every: Span) -> Vec<DecideRequest> {
        let users = self.users_to_ask(n);
        let ids = users.iter().cycle().take(if users.is_empty() { 0 } else { n });
        ids.enumerate()
            .map(|(i, user)| DecideRequest {
                user_id: user.clone(),
                context: Default::default(),
                available_treatments: Arm::DECIDED.map(Arm::candidate).into(),
                version: None,
                problem: None,
                at: at.map(|at| at.plus(Span(every.0.saturating_mul(i as i64)))),
            })
            .collect()
    }
}
