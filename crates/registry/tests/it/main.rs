//! The registry on a folder and on S3.

#[macro_use]
mod support;

mod registry;
