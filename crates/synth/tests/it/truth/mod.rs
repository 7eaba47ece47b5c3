//! The truth that the world tells is the one it lives by.

mod effects;
mod least_squares;
mod nuisances;
