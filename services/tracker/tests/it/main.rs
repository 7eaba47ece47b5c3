//! The tracker over embedded backends and over PostgreSQL.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod postgres;
mod support;
mod tracker;
