#![doc = include_str!("../README.md")]

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The name of the file in which skipped tests are noted.
const NOTES: &str = "ceteris-skipped-tests.txt";

/// The path of a file of real data, or `None` where it is missing; the test that asked is then noted as skipped.
///
/// # Panics
/// Where the file is missing and `CETERIS_DATA=required`, and where `CETERIS_DATA` has any other value.
pub fn file(name: &str) -> Option<PathBuf> {
    let path = folder().join(name);
    if path.is_file() {
        return Some(path);
    }
    assert!(
        !is_required(),
        "{name} is not there: looked for {}, and CETERIS_DATA=required",
        path.display()
    );
    // Not `eprintln!`, which the test harness hides of a test that passes.
    let _ = writeln!(io::stderr(), "skipped: {name} is not there");
    note(name);
    None
}

/// The tests that were skipped since this was last asked, each as `PACKAGE TEST: FILE`, in order; forgets them.
///
/// # Errors
/// Where the notes cannot be read or removed.
pub fn take_skipped() -> io::Result<Vec<String>> {
    let notes = notes()?;
    match fs::read_to_string(&notes) {
        Ok(text) => {
            fs::remove_file(&notes)?;
            let lines: BTreeSet<&str> = text.lines().collect();
            Ok(lines.into_iter().map(str::to_owned).collect())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn folder() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    env::var_os("CETERIS_DATA_DIR").map_or_else(beside, PathBuf::from)
}

fn is_required() -> bool {
    match env::var("CETERIS_DATA").as_deref() {
        Ok("required") => true,
        Err(env::VarError::NotPresent) => false,
        other => panic!("CETERIS_DATA is {other:?}: set it to `required`, or leave it out"),
    }
}

/// Notes the running test. A test that cannot be noted is skipped all the same, and has said so.
fn note(name: &str) {
    // Cargo says this to the tests that it runs.
    let package = env::var("CARGO_PKG_NAME").unwrap_or_default();
    let thread = std::thread::current();
    let line = format!("{package} {}: {name}\n", thread.name().unwrap_or_default());
    let append = |notes| OpenOptions::new().create(true).append(true).open(notes);
    // One write of a short line to a file opened for appending is not torn by another's.
    let _ = notes()
        .and_then(append)
        .and_then(|mut file| file.write_all(line.as_bytes()));
}

/// The notes lie beside the test programs, which all tests of one build share.
fn notes() -> io::Result<PathBuf> {
    let program = env::current_exe()?;
    let folder = program.parent().unwrap_or(Path::new("."));
    Ok(folder.join(NOTES))
}
