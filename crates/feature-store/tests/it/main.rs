//! The feature stores in the one conformance suite, and what only one of them has to do.

mod conformance;
mod journal;
mod redis;
