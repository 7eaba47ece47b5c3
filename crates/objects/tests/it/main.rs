//! Objects over a folder, and over stores whose replies get lost.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod create;
mod deaf;
mod objects;
