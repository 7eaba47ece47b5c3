//! A connection to Redis through good and bad weather.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on says so and prints what it saw"
)]

mod link;
