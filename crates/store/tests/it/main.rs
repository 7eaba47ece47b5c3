//! The decision stores in the one conformance suite, and what only one of them has to do.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod migrations;
mod postgres;
mod sqlite;
mod support;
