#![doc = include_str!("../README.md")]
//!
//! Left out: clusters and sentinels, TLS, what is said over the connection.

mod breaker;
mod error;
mod link;

pub use breaker::{Breaker, BreakerOptions};
pub use error::LinkError;
pub use link::{Greeting, Link, LinkOptions};
/// The client underneath, so that there is one version of it.
pub use redis;
