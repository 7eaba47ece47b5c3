//! Models at rest that an earlier program left.

// Helpers of tests may unwrap as tests may.
#![allow(clippy::unwrap_used)]

mod published;
