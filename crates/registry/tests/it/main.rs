//! The registry on a folder and on S3.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on says so and prints what it saw"
)]

#[macro_use]
mod support;

mod registry;
