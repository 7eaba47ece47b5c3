//! The feature engine beside hand-made numbers and an oracle.

mod by_hand;
mod common;
mod laws;
