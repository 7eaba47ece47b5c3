//! The e-commerce world: users who visit, are given coupons, ads and free shipping, and buy.

mod arm;
mod batches;
mod coefficients;
mod deliveries;
mod event;
mod features;
mod life;
mod requests;
mod structure;
mod traits;
mod truth;

use ceteris_contract::duration::Span;
use ceteris_contract::time::{DAY_US, Timestamp};
use serde::{Deserialize, Serialize};

pub use arm::Arm;
pub use batches::{Batch, Batches};
pub use coefficients::{EffectCoefficients, coefficients};
pub use deliveries::{Deliveries, Delivery, Faults};
pub use event::{Event, EventKind};
pub use features::{BUCKET, Features, NO_PURCHASE_DAYS, Region, SESSION_WINDOW, SPEND_WINDOW, Tier};
pub use life::Opportunity;
pub use structure::{Coupon, Intervention, Nuisances, Response};
pub use truth::{ArmEffect, TrueEffects};

use crate::error::SynthError;
use features::History;
use life::Life;

/// The first instant of every world: 2026-01-01T00:00:00Z.
pub const START: Timestamp = Timestamp(1_767_225_600_000_000);
/// How long after an opportunity its outcome is measured.
pub const WINDOW: Span = Span::days(7);
/// Length of a world whose length nobody chose, in days.
pub const DAYS_DEFAULT: u32 = 70;

const USERS_MAX: u32 = 10_000_000;
const DAYS_MIN: u32 = 45;
const DAYS_MAX: u32 = 365;

/// What makes a world: nothing else does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorldConfig {
    /// Seed of every draw.
    pub seed: u64,
    /// Number of users, 1 to 10 000 000.
    pub users: u32,
    /// Length in days, 45 to 365.
    pub days: u32,
}

/// A world. It holds no lives; they are worked out when asked for.
#[derive(Clone, Debug)]
pub struct World {
    config: WorldConfig,
}

/// All of one user's life up to the world's end.
#[derive(Clone, Debug, PartialEq)]
pub struct LifeStory {
    /// In the order of time.
    pub events: Vec<Event>,
    /// In the order of time.
    pub opportunities: Vec<Opportunity>,
}

impl World {
    /// Checks the configuration.
    ///
    /// # Errors
    /// [`SynthError::Users`], [`SynthError::Days`].
    pub fn new(config: WorldConfig) -> Result<Self, SynthError> {
        if !(1..=USERS_MAX).contains(&config.users) {
            return Err(SynthError::Users { users: config.users });
        }
        if !(DAYS_MIN..=DAYS_MAX).contains(&config.days) {
            return Err(SynthError::Days { days: config.days });
        }
        Ok(World { config })
    }

    /// What made it.
    pub fn config(&self) -> WorldConfig {
        self.config
    }

    /// The world's end, which no event reaches: the natural `as_of`. Windows of the last week are not mature then.
    pub fn end(&self) -> Timestamp {
        START.plus(Span(i64::from(self.config.days) * DAY_US))
    }

    /// The ids of all users.
    pub fn user_ids(&self) -> impl Iterator<Item = String> + use<> {
        (0..self.config.users).map(user_id)
    }

    /// The number of a user by id.
    ///
    /// # Errors
    /// [`SynthError::UnknownUser`].
    pub fn user(&self, id: &str) -> Result<u32, SynthError> {
        let number = id
            .strip_prefix("user-")
            .and_then(|digits| digits.parse::<u32>().ok());
        number
            .filter(|n| *n < self.config.users && user_id(*n) == id)
            .ok_or_else(|| SynthError::UnknownUser {
                user_id: id.to_owned(),
            })
    }

    /// One user's whole life. Microseconds of work; nothing is kept.
    ///
    /// # Errors
    /// [`SynthError::UnknownUser`].
    pub fn life(&self, user_id: &str) -> Result<LifeStory, SynthError> {
        Ok(self.story(self.user(user_id)?, self.end()).1)
    }

    /// Everything that happens, in the order of (instant, user), one batch for each `span` of time.
    pub fn batches(&self, span: Span) -> Batches<'_> {
        Batches::new(self, span)
    }

    /// Every opportunity, user by user. The same as those of the batches in another order.
    pub fn opportunities(&self) -> impl Iterator<Item = Opportunity> + '_ {
        (0..self.config.users).flat_map(|user| self.story(user, self.end()).1.opportunities)
    }

    /// The features of a user at any instant, after the world's end too, from the events before it.
    ///
    /// # Errors
    /// [`SynthError::UnknownUser`]; [`SynthError::TooEarly`] in the first hour, before the user's first profile.
    pub fn features_at(&self, user_id: &str, at: Timestamp) -> Result<Features, SynthError> {
        let (_, story) = self.story(self.user(user_id)?, self.end());
        let features = History::before(&story.events, at).features(at);
        features.ok_or_else(|| SynthError::TooEarly {
            user_id: user_id.to_owned(),
            at,
        })
    }

    /// The true effects on a user of what is given at any instant, after the world's end too.
    ///
    /// # Errors
    /// As [`World::features_at`].
    pub fn true_effects_at(&self, user_id: &str, at: Timestamp) -> Result<TrueEffects, SynthError> {
        Ok(TrueEffects::at(&self.features_at(user_id, at)?))
    }

    fn story(&self, user: u32, until: Timestamp) -> (Life, LifeStory) {
        let mut life = Life::new(self.config.seed, user);
        let mut story = LifeStory {
            events: Vec::new(),
            opportunities: Vec::new(),
        };
        life.advance(until, &mut story.events, &mut story.opportunities);
        (life, story)
    }
}

/// `user-000017`.
pub fn user_id(user: u32) -> String {
    format!("user-{user:06}")
}
