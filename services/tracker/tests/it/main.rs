//! The tracker over embedded backends and over PostgreSQL.

mod postgres;
mod support;
mod tracker;
