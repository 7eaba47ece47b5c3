//! The program as a user runs it, and with the cargo feature `fleet` over real servers, as separate services.
//!
//! Scenarios that are timed or heavy run alone (`support::alone`), the others beside each other.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod bench;
mod effects;
mod estimate;
mod folder;
mod graph;
mod kill;
mod seeds;
mod support;
mod verbs;

#[cfg(feature = "fleet")]
mod compose;
#[cfg(feature = "postgres")]
mod database;
#[cfg(feature = "fleet")]
mod fleet_faults;
#[cfg(feature = "fleet")]
mod strangers;
