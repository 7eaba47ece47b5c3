//! Why a call came to nothing.

use std::time::Duration;

use redis::RedisError;
use thiserror::Error;

/// A failed call.
#[derive(Clone, Debug, Error)]
pub enum LinkError {
    /// The address is not one of a Redis.
    #[error("this is no address of a Redis: give redis://host:port")]
    Address(#[source] RedisError),
    /// Too many calls failed; this one was not tried.
    #[error("redis is not asked for now: its last calls failed")]
    BreakerOpen,
    /// No answer came in time.
    #[error("redis did not answer within {0:?}")]
    TooSlow(Duration),
    /// No connection could be had.
    #[error("redis cannot be reached")]
    Connect(#[source] RedisError),
    /// No connection came about in time.
    #[error("redis did not take a connection within {0:?}")]
    ConnectTooSlow(Duration),
    /// The greeting refused the server.
    #[error("this redis is refused: {0}")]
    Refused(String),
    /// The connection broke, or the server answered with an error.
    #[error("redis failed")]
    Failed(#[source] RedisError),
}
