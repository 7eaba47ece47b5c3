//! Decisions at rest: the store port and its SQLite twin.
