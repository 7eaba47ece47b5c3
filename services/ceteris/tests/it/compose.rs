//! Where no container engine runs: the compose file is read, and each service's environment is put before that program's
//! own check of its configuration.

use std::collections::BTreeMap;
use std::process::{Command, Output};

use ceteris_testkit::python::{self, Python};
use serde_json::Value;

use crate::support::fleet::programs;
use crate::support::{self, root};

const SERVICES: [&str; 5] = ["ingest", "etl", "trainer", "decide", "tracker"];

/// The compose file with its anchors and merges resolved, as JSON.
fn compose() -> Value {
    // The S3 server's environment brings a YAML reader.
    let python = Python::environment("s3", python::S3).unwrap();
    let output = Command::new(python.interpreter())
        .args([
            "-c",
            "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))",
        ])
        .arg(root().join("docker-compose.yml"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A service's variables, secrets filled in as a `.env` file would.
fn environment(service: &Value) -> BTreeMap<String, String> {
    let variables = service["environment"].as_object().expect("an environment");
    let fill = |text: &str| {
        let mut filled = text.to_owned();
        while let Some(start) = filled.find("${") {
            let end = start + filled[start..].find('}').expect("a closing brace");
            filled.replace_range(start..=end, &"5e".repeat(32));
        }
        filled
    };
    variables
        .iter()
        .map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name.clone(), fill(&text))
        })
        .collect()
}

fn run(program: &str, words: &[&str], environment: &BTreeMap<String, String>) -> Output {
    let path = programs().join(program);
    assert!(
        path.is_file(),
        "{program} is not built: `cargo xtask fleet --build-only` builds it"
    );
    support::run(Command::new(path).args(words).env_clear().envs(environment))
}

#[test]
fn each_service_of_the_compose_file_accepts_its_environment() {
    let compose = compose();
    for name in SERVICES {
        let service = &compose["services"][name];
        assert_eq!(service["build"]["target"], name);
        let good = environment(service);
        let program = format!("ceteris-{name}");
        let output = run(&program, &["--check"], &good);
        assert!(
            output.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );

        let mut bad = good.clone();
        bad.remove("CETERIS__STORAGE__URL");
        bad.remove("CETERIS__KAFKA__BOOTSTRAP_SERVERS");
        bad.insert("CETERIS__OPS__LISTEN".to_owned(), "everywhere".to_owned());
        let output = run(&program, &["--check"], &bad);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{name}: {told}");
        assert!(told.contains("ops.listen"), "{name}: {told}");
        let missing = if name == "tracker" {
            "kafka.bootstrap_servers is missing"
        } else {
            "storage.url is missing"
        };
        assert!(told.contains(missing), "{name}: {told}");
    }
    for name in ["migrate", "provision"] {
        let service = &compose["services"][name];
        let words: Vec<&str> = service["command"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(words[0], name);
        let output = run("ceteris", &["provision", "--check"], &environment(service));
        assert!(
            output.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn secrets_have_no_defaults_in_the_compose_file() {
    let text = std::fs::read_to_string(root().join("docker-compose.yml")).unwrap();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let secret = ["PASSWORD", "SECRET", "IDENTITY__KEY"].iter().any(|word| {
            line.split_once(':')
                .is_some_and(|(name, _)| name.contains(word) && !name.contains("ACCESS_KEY_ID"))
        });
        if secret {
            assert!(line.contains(":?"), "{line}");
        }
    }
}

#[test]
fn each_program_prints_the_defaults_that_it_reads() {
    for name in SERVICES {
        let output = run(
            &format!("ceteris-{name}"),
            &["--print-defaults"],
            &BTreeMap::new(),
        );
        let manual = std::fs::read(root().join(format!("services/{name}/default.toml"))).unwrap();
        assert_eq!(output.stdout, manual, "{name}");
    }
}
