//! Lake tables and datasets on a folder and on S3: appends, the log, maintenance, faults.

#[macro_use]
mod support;

mod append;
mod datasets;
mod log;
mod maintain;
mod rows;
mod s3;
