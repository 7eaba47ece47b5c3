//! One program of integration tests a package: each more is linked, and its servers started, once more.

use std::collections::BTreeSet;

use super::metadata::{Metadata, Package};

/// The one program of a package's integration tests.
const NAME: &str = "it";

/// Packages that have others today. One that is mended is a fault until it is gone here.
const NOT_YET: &[&str] = &[
    "ceteris",
    "ceteris-contract",
    "ceteris-decide",
    "ceteris-effect-cache",
    "ceteris-etl",
    "ceteris-feature-store",
    "ceteris-features",
    "ceteris-ingest",
    "ceteris-journal",
    "ceteris-lake",
    "ceteris-redis-link",
    "ceteris-registry",
    "ceteris-store",
    "ceteris-stream",
    "ceteris-synth",
    "ceteris-tracker",
];

/// Faults in the workspace's test programs.
pub(crate) fn check(metadata: &Metadata) -> Vec<String> {
    let mut not_yet: BTreeSet<&str> = NOT_YET.iter().copied().collect();
    let mut faults = Vec::new();
    for package in metadata.members() {
        let others = others(package);
        if !others.is_empty() && !not_yet.remove(package.name.as_str()) {
            faults.push(format!(
                "{}: integration tests are modules of tests/{NAME}/main.rs, but there are also {}",
                package.name,
                others.join(", ")
            ));
        }
    }
    let stale = not_yet.into_iter();
    faults.extend(stale.map(|package| {
        format!("{package} has one test program now: take it out of NOT_YET in xtask/src/tidy/programs.rs")
    }));
    faults
}

fn others(package: &Package) -> Vec<&str> {
    let tests = package
        .targets
        .iter()
        .filter(|t| t.kind.iter().any(|kind| kind == "test"));
    let names = tests.map(|target| target.name.as_str());
    names.filter(|name| *name != NAME).collect()
}
