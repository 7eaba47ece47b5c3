//! Objects in a folder, and in a store whose replies get lost.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod create;
mod objects;
