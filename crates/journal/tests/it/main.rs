//! Journals and spools: what is acknowledged survives, whatever is torn.

mod journal;
mod spool;
mod torn;
