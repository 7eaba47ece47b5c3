#![doc = include_str!("../README.md")]

mod error;
#[cfg(feature = "faults")]
pub mod faults;
mod name;
mod objects;
mod race;

pub use ceteris_contract::disposition::{Disposition, HasDisposition};
pub use error::ObjectError;
pub use name::checked_name;
pub use objects::{Created, Listing, Objects};
pub use race::race_pause;
