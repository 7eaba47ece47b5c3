//! The list of the tests that were skipped because their data are missing.

use std::io::{Write, stderr};

#[test]
fn all_skipped_tests_are_listed() {
    let skipped = ceteris_testdata::take_skipped().expect("the notes of skipped tests can be read");
    if skipped.is_empty() {
        return;
    }
    // Not `eprintln!`, which the test harness hides of a test that passes.
    let mut out = stderr().lock();
    writeln!(
        out,
        "{} tests were skipped because their data are missing:",
        skipped.len()
    )
    .expect("stderr");
    for test in skipped {
        writeln!(out, "  {test}").expect("stderr");
    }
}
