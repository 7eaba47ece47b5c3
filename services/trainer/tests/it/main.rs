//! The trainer from outside: tables, the quality gate, identification, fits, and a whole experiment.

mod effects;
mod gate;
mod hillstrom;
mod identification;
mod table;
