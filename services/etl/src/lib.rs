#![doc = include_str!("../README.md")]
//!
//! Left out: estimating anything (the trainer's).

mod arms;
mod balance;
mod buckets;
mod error;
mod finish;
mod judge;
mod load;
mod logged;
mod part;
mod plan;
mod replay;
mod report;
mod request;
mod rows;
mod run;
mod spec;
mod worker;

pub use balance::{ArmBalance, Balance};
pub use error::EtlError;
pub use finish::{Made, finish};
pub use part::Part;
pub use plan::{DayCounts, Plan, plan};
pub use report::{Counts, Report};
pub use request::{Progress, Request, Stage, Watermarks, Workers};
pub use run::{run, run_at, run_bucket};
pub use worker::{Config, Deps, Schedule, serve};
