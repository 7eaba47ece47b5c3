//! Decisions from the log into the store, idempotently.
