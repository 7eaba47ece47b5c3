//! Lake tables and datasets on a folder and on S3: appends, the log, maintenance, faults.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on says so and prints what it saw"
)]

#[macro_use]
mod support;

mod append;
mod datasets;
mod log;
mod maintain;
mod rows;
mod s3;
