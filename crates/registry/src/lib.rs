#![doc = include_str!("../README.md")]

mod alias;
mod artifact;
mod chain;
mod error;
mod problem;
mod registry;
mod watch;

pub use alias::{Alias, AliasTarget, LogEntry, Promotion};
pub use ceteris_contract::disposition::{Disposition, HasDisposition};
pub use ceteris_objects::ObjectError;
pub use error::RegistryError;
pub use problem::ProblemSource;
pub use registry::Registry;
pub use watch::AliasWatch;
