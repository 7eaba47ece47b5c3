//! Why a world could not be made or asked.

use ceteris_contract::time::Timestamp;

/// Bad configuration or a question about something that is not in the world.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SynthError {
    /// A world needs at least one user and at most ten million.
    #[error("users: {users} is out of range; use 1 to 10000000")]
    Users {
        /// As given.
        users: u32,
    },
    /// Too short for one mature opportunity, or longer than the spend window.
    #[error("days: {days} is out of range; use 45 to 365")]
    Days {
        /// As given.
        days: u32,
    },
    /// A share of faulty deliveries that is no share.
    #[error("{field}: {share} is no share; use 0 to 1")]
    Share {
        /// Which share.
        field: &'static str,
        /// As given.
        share: f64,
    },
    /// No such user in this world.
    #[error("user_id: `{user_id}` does not live in this world")]
    UnknownUser {
        /// As given.
        user_id: String,
    },
    /// The user has no profile yet, so some features have no value.
    #[error("at: user `{user_id}` has no profile before {at}")]
    TooEarly {
        /// Whom it was about.
        user_id: String,
        /// As given.
        at: Timestamp,
    },
    /// A feature that the effects depend on is missing or is not what it should be.
    #[error("{feature}: is missing or unreadable; give it as its view yields it")]
    Feature {
        /// Its name.
        feature: &'static str,
    },
}
