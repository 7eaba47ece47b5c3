//! The loop over an embedded log and a sink in memory, both of which can be away.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod consumer;
mod shelf;
