//! One program of integration tests a package: each more is linked, and its servers started, once more.

use super::metadata::{Metadata, Package};

/// The one program of a package's integration tests.
const NAME: &str = "it";

/// Faults in the workspace's test programs.
pub(crate) fn check(metadata: &Metadata) -> Vec<String> {
    let mut faults = Vec::new();
    for package in metadata.members() {
        let others = others(package);
        if !others.is_empty() {
            faults.push(format!(
                "{}: integration tests are modules of tests/{NAME}/main.rs, but there are also {}",
                package.name,
                others.join(", ")
            ));
        }
    }
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
