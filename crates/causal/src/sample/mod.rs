//! Folds and draws from hash(seed, unit): no row position, no global randomness.
