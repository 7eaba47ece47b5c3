//! Runs the program as a user does.

use std::process::{Command, Output};

use serde_json::Value;

/// Runs to the end and answers what was printed.
pub fn output(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ceteris-bench"));
    command.args(words).output().expect("ceteris-bench starts")
}

/// Runs to a good end; stdout must be exactly one JSON document.
pub fn json(words: &[&str]) -> Value {
    let output = output(words);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {}\n{stderr}", output.status);
    serde_json::from_slice(&output.stdout).expect("stdout is one JSON document")
}

/// Runs to exit 2 and answers stderr.
pub fn refused(words: &[&str]) -> String {
    let output = output(words);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{words:?}: {stderr}");
    stderr
}
