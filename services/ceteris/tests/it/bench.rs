//! `ceteris bench`: the program it starts, what is passed to it and from it, and what is told where it is missing.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::run;

/// A program beside or instead of the real one: says what it was called with, and ends with 7.
const ECHO: &str = "#!/bin/sh\nprintf '%s|' \"$@\"\necho progress >&2\nexit 7\n";

/// `ceteris` alone in a folder, on the same file system as the program that was built.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    std::fs::hard_link(env!("CARGO_BIN_EXE_ceteris"), folder.path().join("ceteris")).unwrap();
    folder
}

fn ceteris(folder: &Path, path: &Path, words: &[&str]) -> Output {
    run(Command::new(folder.join("ceteris")).args(words).env("PATH", path))
}

fn write_echo(folder: &Path) {
    let program = folder.join("ceteris-bench");
    std::fs::write(&program, ECHO).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn flags_output_and_exit_code_pass_through() {
    let (home, elsewhere) = (folder(), tempfile::tempdir().unwrap());
    for place in [elsewhere.path(), home.path()] {
        write_echo(place);
        for (words, passed) in [
            (
                &["bench", "decide", "--rate", "5", "--help"][..],
                "decide|--rate|5|--help|",
            ),
            (&["bench", "etl", "--format", "json"][..], "etl|--format|json|"),
            (&["--format", "json", "bench", "etl"][..], "--format|json|etl|"),
            (&["bench", "--format", "json", "etl"][..], "--format|json|etl|"),
        ] {
            let output = ceteris(home.path(), elsewhere.path(), words);
            assert_eq!(String::from_utf8_lossy(&output.stdout), passed, "{words:?}");
            assert_eq!(String::from_utf8_lossy(&output.stderr), "progress\n", "{words:?}");
            assert_eq!(output.status.code(), Some(7), "{words:?}");
        }
        // The second time only the program beside `ceteris` is there.
        std::fs::remove_file(elsewhere.path().join("ceteris-bench")).unwrap_or_default();
    }
}

#[test]
fn where_the_program_is_missing_the_command_that_builds_it_is_told() {
    let (home, nowhere) = (folder(), tempfile::tempdir().unwrap());
    let output = ceteris(home.path(), nowhere.path(), &["bench", "store"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("`cargo build --package ceteris-bench`"), "{told}");
    // Help needs no other program.
    for words in [&["bench", "--help"][..], &["help", "bench"][..]] {
        let output = ceteris(home.path(), nowhere.path(), words);
        assert!(output.status.success());
        let help = String::from_utf8_lossy(&output.stdout);
        for name in ["decide", "ingest", "store", "etl", "ceteris-bench"] {
            assert!(help.contains(name), "{name}: {help}");
        }
    }
}
