#![doc = include_str!("../README.md")]

mod failure;
mod output;
mod progress;

pub use failure::{BadInput, bad_input, exit_code};
pub use output::{Format, print};
pub use progress::Stage;
