//! The decision stores in the one conformance suite, and what only one of them has to do.

mod migrations;
mod postgres;
mod sqlite;
mod support;
