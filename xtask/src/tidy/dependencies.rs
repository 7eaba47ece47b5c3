//! Which room may see which: dependencies run one way.

use std::path::Path;
use std::process::Command;

use anyhow::Context;
use serde_json::Value;

const SERVICES: [&str; 5] = [
    "ceteris-ingest",
    "ceteris-etl",
    "ceteris-trainer",
    "ceteris-decide",
    "ceteris-tracker",
];
const ADAPTERS: [&str; 6] = [
    "ceteris-stream",
    "ceteris-lake",
    "ceteris-feature-store",
    "ceteris-store",
    "ceteris-registry",
    "ceteris-effect-cache",
];
/// Connects production backends as settings say: the one room that sees both adapters and the chassis.
const BACKENDS: &str = "ceteris-backends";
const TESTKIT: &str = "ceteris-testkit";

const ALL_IN_ONE: &str = "ceteris";
/// The rooms besides the services that see the causal core.
const ON_THE_CORE: [&str; 3] = ["ceteris-model", "ceteris-study", "ceteris-synth"];

/// Faults in the declared dependencies of the workspace's packages; those of tests alone are free.
pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root)
        .output()
        .context("run cargo metadata")?;
    anyhow::ensure!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).context("read cargo metadata")?;
    let mut faults = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let from = package["name"].as_str().unwrap_or_default();
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = dependency["name"].as_str().unwrap_or_default();
            let shipped = dependency["kind"].as_str() != Some("dev");
            if shipped && let Some(because) = refusal(from, to) {
                faults.push(format!("{from} depends on {to}, but {because}"));
            }
        }
    }
    Ok(faults)
}

/// Why `from` must not depend on `to`, if so.
fn refusal(from: &str, to: &str) -> Option<&'static str> {
    if from == ALL_IN_ONE || !to.starts_with("ceteris") {
        return None;
    }
    if from == "ceteris-causal" || from == "ceteris-journal" {
        return Some("it stands alone");
    }
    if from == TESTKIT {
        return Some("it knows servers and processes, not what they are for");
    }
    if to == TESTKIT && from != "xtask" {
        return Some("only tests and xtask start servers");
    }
    if to == BACKENDS && !SERVICES.contains(&from) {
        return Some("only services connect backends");
    }
    if from == "ceteris-contract" {
        return Some("the contract sees no other room");
    }
    if SERVICES.contains(&to) || to == ALL_IN_ONE {
        return Some("only the all-in-one binary sees services");
    }
    if to == "ceteris-synth" {
        return Some("only the command line sees the simulator");
    }
    if to == "ceteris-causal" && !SERVICES.contains(&from) && !ON_THE_CORE.contains(&from) {
        return Some(
            "only models, studies, services, the simulator and the command line see the causal core",
        );
    }
    if to == "ceteris-study" && SERVICES.contains(&from) {
        return Some("a service that serves estimates nothing anew");
    }
    let inner = ADAPTERS.contains(&from) || from == "ceteris-features" || from == "ceteris-synth";
    if inner && (ADAPTERS.contains(&to) || to == "ceteris-chassis") {
        return Some("adapters see the contract, not one another nor the chassis");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_run_one_way() {
        assert!(refusal("ceteris-store", "ceteris-contract").is_none());
        assert!(refusal("ceteris-decide", "ceteris-causal").is_none());
        assert!(refusal("ceteris", "ceteris-synth").is_none());
        for (from, to) in [
            ("ceteris-causal", "ceteris-contract"),
            ("ceteris-store", "ceteris-causal"),
            ("ceteris-decide", "ceteris-trainer"),
            ("ceteris-etl", "ceteris-synth"),
            ("ceteris-lake", "ceteris-stream"),
            ("ceteris-stream", "ceteris-testkit"),
            ("ceteris-registry", "ceteris-backends"),
            ("ceteris-testkit", "ceteris-contract"),
        ] {
            assert!(refusal(from, to).is_some(), "{from} -> {to}");
        }
    }
}
