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

/// All services in one process.
const HOUSE: &str = "ceteris-house";
/// What stands on the house.
const ABOVE: [&str; 3] = [DEMO, BENCH, COMMAND_LINE];
const DEMO: &str = "ceteris-demo";
const BENCH: &str = "ceteris-bench";
const COMMAND_LINE: &str = "ceteris";

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
    if !to.starts_with("ceteris") {
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
    if to == BACKENDS && from != HOUSE && !SERVICES.contains(&from) {
        return Some("only services connect backends");
    }
    if from == "ceteris-contract" {
        return Some("the contract sees no other room");
    }
    if SERVICES.contains(&to) && from != HOUSE && !ABOVE.contains(&from) {
        return Some("only the house, and what stands on it, sees services");
    }
    if to == HOUSE && !ABOVE.contains(&from) {
        return Some("everything in one process is for people who try it");
    }
    if to == DEMO && from != COMMAND_LINE {
        return Some("the demo is a verb of the command line");
    }
    if to == BENCH || to == COMMAND_LINE {
        return Some("it is a program");
    }
    if to == "ceteris-synth" && from != DEMO && from != BENCH {
        return Some("nothing that serves real people sees the simulator");
    }
    let sees_the_core = SERVICES.contains(&from) || ABOVE.contains(&from) || from == "ceteris-synth";
    if to == "ceteris-causal" && !sees_the_core {
        return Some("only services, the simulator, the demo and the command line see the causal core");
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
        assert!(refusal("ceteris", "ceteris-demo").is_none());
        assert!(refusal("ceteris-demo", "ceteris-synth").is_none());
        assert!(refusal("ceteris-house", "ceteris-decide").is_none());
        for (from, to) in [
            ("ceteris-causal", "ceteris-contract"),
            ("ceteris-store", "ceteris-causal"),
            ("ceteris-decide", "ceteris-trainer"),
            ("ceteris-etl", "ceteris-synth"),
            ("ceteris", "ceteris-synth"),
            ("ceteris-house", "ceteris-synth"),
            ("ceteris-house", "ceteris-demo"),
            ("ceteris-bench", "ceteris-demo"),
            ("ceteris-decide", "ceteris-house"),
            ("ceteris-lake", "ceteris-stream"),
            ("ceteris-stream", "ceteris-testkit"),
            ("ceteris-registry", "ceteris-backends"),
            ("ceteris-testkit", "ceteris-contract"),
        ] {
            assert!(refusal(from, to).is_some(), "{from} -> {to}");
        }
    }
}
