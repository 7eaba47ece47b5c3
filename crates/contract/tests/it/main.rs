//! What a problem file may say, which digests its parts have, and what a manifest's digest covers.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod digests;
mod manifest;
mod problem;
mod problem_faults;

use ceteris_contract::problem::{Fault, Problem};

const ECOMMERCE: &str = include_str!("../../../../deploy/problems/ecommerce.yaml");
const HILLSTROM: &str = include_str!("../../../../deploy/problems/hillstrom.yaml");

/// A problem whose file must be sound.
fn read(text: &str) -> Problem {
    Problem::from_yaml(text).unwrap_or_else(|faults| {
        let lines: Vec<String> = faults.iter().map(Fault::to_string).collect();
        panic!("{}", lines.join("\n"))
    })
}
