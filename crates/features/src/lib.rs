#![doc = include_str!("../README.md")]
//!
//! Left out: where states are kept, when they are written, what a clock says.

mod after;
mod codec;
mod distinct;
mod error;
mod fixed;
mod hash;
mod input;
mod newest;
mod seen;
mod series;
mod state;
mod view_set;
mod window;

pub use after::{AfterSet, AfterUnit};
pub use codec::STATE_VERSION;
pub use error::{CompileError, DecodeError};
pub use fixed::{FIXED_MAX, MICROS};
pub use hash::stable_hash;
pub use input::Refusal;
pub use state::{Applied, UnitState, ViewValue};
pub use view_set::{Limits, SchemaHash, ViewSet};
