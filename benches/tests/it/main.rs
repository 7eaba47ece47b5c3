//! The program as a user runs it. It fills its folders by the program `ceteris`, which must lie beside it:
//! `cargo build --package ceteris`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod benches;
mod support;
