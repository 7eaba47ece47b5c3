//! A test whose data are missing is skipped aloud, or fails where they are required.
#![allow(clippy::print_stdout, reason = "the tests read what one of them prints")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What the others run as a program of its own; without them it would be a skipped test of every run.
#[test]
#[ignore = "it is run by the other tests"]
fn asks_for_a_file_that_is_missing() {
    assert!(ceteris_testdata::file("nothing.csv").is_none());
    let noted = ceteris_testdata::take_skipped().expect("notes");
    println!("noted: {noted:?}");
    let again = ceteris_testdata::take_skipped().expect("notes");
    println!("noted again: {again:?}");
}

/// Runs the test above from a copy of this program, so that its notes lie apart from those of the real run.
fn ask(folder: &str, required: Option<&str>) -> (Output, String) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    let program = folder.join("program");
    std::fs::copy(std::env::current_exe().expect("this program"), &program).expect("a copy");
    let mut command = Command::new(program);
    command
        .args([
            "--exact",
            "asks_for_a_file_that_is_missing",
            "--ignored",
            "--nocapture",
        ])
        .env("CETERIS_DATA_DIR", Path::new("/nowhere"))
        .env_remove("CETERIS_DATA")
        .envs(required.map(|value| ("CETERIS_DATA", value)));
    let output = command.output().expect("the copy runs");
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    (output, String::from_utf8_lossy(&both).into_owned())
}

#[test]
fn a_missing_file_skips_the_test_and_is_noted_once() {
    let (output, text) = ask("skipped", None);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("skipped: nothing.csv is not there"), "{text}");
    assert!(
        text.contains(r#"noted: ["ceteris-testdata asks_for_a_file_that_is_missing: nothing.csv"]"#),
        "{text}"
    );
    assert!(text.contains("noted again: []"), "{text}");
}

#[test]
fn a_missing_file_fails_the_test_where_data_are_required() {
    let (output, text) = ask("required", Some("required"));
    assert!(!output.status.success(), "{text}");
    assert!(text.contains("nothing.csv is not there"), "{text}");
    let (output, text) = ask("unknown", Some("maybe"));
    assert!(!output.status.success(), "{text}");
    assert!(text.contains("set it to `required`"), "{text}");
}
