//! The subset of the Delta log protocol that the lake writes and reads: append, `txn`, `remove`, checkpoints, time travel.
//! No deletion vectors, column mapping or V2 checkpoints; a table that needs them is refused by its protocol version.

pub(crate) mod action;
pub(crate) mod checkpoint;
mod checkpoint_read;
pub(crate) mod log;
pub(crate) mod schema;
pub(crate) mod state;
