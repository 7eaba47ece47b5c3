//! A fleet of separate services that lives in the simulated world of a seed.

use std::path::{Path, PathBuf};
use std::process::Output;

use ceteris_testkit::fleet::{Fleet, Service};
use ceteris_testkit::servers::{Environment, Servers};

use super::{root, run};

/// What a command printed that came to a good end.
pub fn good(output: Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {stderr}", output.status);
    String::from_utf8(output.stdout).expect("text")
}

/// The folder of the programs that were built with this test.
pub fn programs() -> PathBuf {
    let ceteris = Path::new(env!("CARGO_BIN_EXE_ceteris"));
    ceteris.parent().expect("a folder of programs").to_path_buf()
}

/// Runs `ceteris` in an environment to a good end and gives what it printed.
pub fn ceteris(words: &[&str], environment: &Environment) -> String {
    good(run(super::ceteris(words).envs(environment)))
}

/// Prepares the servers and starts every service over them, with some settings of their own.
pub async fn start(
    servers: Servers,
    folder: &Path,
    seed: u64,
    settings: &[(&str, &str)],
) -> anyhow::Result<Fleet> {
    let words = ["--format", "json", "world", "--seed", &seed.to_string()];
    let mut environment: Environment = serde_json::from_str(&ceteris(&words, &Environment::new()))?;
    for (name, value) in settings {
        environment.insert((*name).to_owned(), (*value).to_owned());
    }
    let mut fleet = Fleet::new(servers, &programs(), &folder.join("services"), environment)?;
    ceteris(&["migrate"], fleet.environment());
    let problem = root().join("deploy/problems/ecommerce.yaml");
    let problem = problem.to_str().expect("a path that is text");
    ceteris(&["provision", "--problem", problem], fleet.environment());
    for service in Service::ALL {
        fleet.start(service)?;
    }
    for service in Service::ALL {
        fleet.ready(service).await?;
    }
    Ok(fleet)
}
