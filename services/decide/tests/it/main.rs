//! The decision API over embedded backends, and over a real Redis where one is there.
// Helpers of tests may unwrap as tests may.
#![allow(clippy::unwrap_used)]

mod away;
mod decide;
mod effects;
mod garbage;
mod graphql;
mod http;
mod journal;
mod model;
mod published;
mod redis;
mod reload;
mod support;
