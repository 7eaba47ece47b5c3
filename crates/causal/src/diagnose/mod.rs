//! Overlap, balance and sensitivity.
