//! Tables from outside: what is read, and what is written.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod read;
mod write;
