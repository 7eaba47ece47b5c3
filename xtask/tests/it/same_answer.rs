//! A fleet of separate services over real servers gives the same answer as everything in one process, bit for bit.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const USERS: &str = "3000";
const SEED: &str = "5";

fn json(output: &Output) -> Value {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{stderr}", output.status);
    let mut document: Value = serde_json::from_slice(&output.stdout).expect("stdout is one JSON document");
    // Only how long it took may differ.
    document
        .as_object_mut()
        .expect("an object")
        .remove("seconds")
        .expect("seconds");
    document
}

#[test]
fn a_fleet_of_services_gives_the_same_answer_as_one_process() {
    let xtask = Path::new(env!("CARGO_BIN_EXE_xtask"));
    let programs = xtask.parent().expect("a folder of programs");
    let demo = [
        "--format", "json", "demo", "--once", "--users", USERS, "--seed", SEED,
    ];
    let alone = Command::new(programs.join("ceteris"))
        .args(demo)
        .output()
        .expect("ceteris starts");
    let fleet = Command::new(xtask)
        .args([
            "fleet", "--demo", "--once", "--format", "json", "--users", USERS, "--seed", SEED,
        ])
        .arg("--programs")
        .arg(programs)
        .output()
        .expect("xtask starts");
    let (alone, fleet) = (json(&alone), json(&fleet));
    assert!(alone["decisions"]["answered"].as_u64() >= Some(1_000), "{alone}");
    assert_eq!(alone, fleet);
}
