//! The effect caches in the one conformance suite.

mod conformance;
