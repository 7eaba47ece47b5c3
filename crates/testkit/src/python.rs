//! Python environments of pinned packages: made once from a requirements file with hashes, kept in the user's cache.
//!
//! The files lie in `python/`; `*.in` says what is wanted and why, `*.txt` is what `pip-compile --generate-hashes` made of
//! it (`--strip-extras --allow-unsafe --no-header --annotation-style=line --no-emit-index-url --no-emit-find-links
//! --no-emit-trusted-host`), so that the same bytes are installed everywhere.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::cache;
use crate::program;

/// The packages of the S3 server of tests.
pub const S3: &str = include_str!("../python/s3.txt");
/// Third-party clients that take part in a test of the fleet: confluent-kafka, boto3, polars, deltalake, duckdb, psycopg.
pub const STRANGERS: &str = include_str!("../python/strangers.txt");

const INSTALL: &str = "apt-get install python3 python3-venv";

/// An environment with exactly the packages of a requirements file.
#[derive(Clone, Debug)]
pub struct Python {
    folder: PathBuf,
}

impl Python {
    /// The environment `name` with `requirements`, one of this module's; made where the cache lacks it. Blocks, the
    /// first time for as long as the download takes.
    ///
    /// # Errors
    /// One sentence where Python is missing; what pip said where a package cannot be had or is not the pinned one.
    pub fn environment(name: &str, requirements: &str) -> anyhow::Result<Python> {
        let python = program::find("python3", &[], INSTALL)?;
        let version =
            output(Command::new(&python).args(["-c", "import sys; print(sys.version, sys.base_prefix)"]))
                .context("ask python3 for its version")?;
        // An environment belongs to the interpreter that made it.
        let recipe = format!("{version}\n{requirements}");
        let folder = cache::made_once(&format!("python-{name}"), &recipe, |folder| {
            make(&python, folder, requirements)
        })?;
        Ok(Python { folder })
    }

    /// The interpreter.
    pub fn interpreter(&self) -> PathBuf {
        self.program("python")
    }

    /// A program that a package brought.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }
}

fn make(python: &Path, folder: &Path, requirements: &str) -> anyhow::Result<()> {
    output(Command::new(python).arg("-m").arg("venv").arg(folder))
        .with_context(|| format!("make a Python environment; `{INSTALL}` installs what that needs"))?;
    let file = folder.join("requirements.txt");
    std::fs::write(&file, requirements).with_context(|| format!("write {}", file.display()))?;
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
    ])
    .args(["--no-deps", "--only-binary", ":all:", "--require-hashes", "-r"])
    .arg(&file);
    output(&mut pip)
        .context("install the pinned packages")
        .map(|_| ())
}

fn output(command: &mut Command) -> anyhow::Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("run {program}"))?;
    anyhow::ensure!(
        output.status.success(),
        "{program} failed ({}):\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_requirement_is_pinned_by_version_and_hash() {
        for requirements in [S3, STRANGERS] {
            let lines: Vec<&str> = requirements.lines().collect();
            let pins = lines
                .iter()
                .enumerate()
                .filter(|(_, line)| line.starts_with(|c: char| c.is_alphanumeric()));
            for (at, pin) in pins.clone() {
                assert!(pin.contains("=="), "{pin}");
                assert!(lines[at + 1].trim().starts_with("--hash=sha256:"), "{pin}");
            }
            assert!(pins.count() > 10);
            assert!(
                !requirements.contains("://"),
                "no host belongs into a requirements file"
            );
        }
    }
}
