#![doc = include_str!("../README.md")]

pub mod arrays;
pub mod dataset;
pub mod decide;
pub mod disposition;
pub mod duration;
pub mod error;
pub mod event;
pub mod identity;
pub mod manifest;
pub mod murmur2;
pub mod problem;
pub mod record;
pub mod time;
pub mod topics;
pub mod value;
mod what_text;
