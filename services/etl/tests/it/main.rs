//! The ETL beside hand-made numbers and an oracle, and its hand-over to the trainer.

mod by_hand;
mod common;
mod handover;
mod logged;
mod oracle;
