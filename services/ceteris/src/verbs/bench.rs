//! `ceteris bench`: starts the program `ceteris-bench` in this one's place, with its flags passed through.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::Context;
use ceteris_terminal::{Format, bad_input};

use crate::cli::BenchWords;

const PROGRAM: &str = "ceteris-bench";

/// Does not return where the program starts: its output, signals and exit code are those of this process.
pub(crate) fn run(format: Format, words: &BenchWords) -> anyhow::Result<()> {
    let BenchWords::Words(words) = words;
    let here = std::env::current_exe().context("find this program")?;
    let beside = here.with_file_name(PROGRAM);
    // A name without a folder is looked for on PATH.
    let program = match beside.is_file() {
        true => beside.as_os_str(),
        false => OsStr::new(PROGRAM),
    };
    let mut command = Command::new(program);
    if format == Format::Json {
        command.args(["--format", "json"]);
    }
    let error = command.args(words).exec();
    match error.kind() {
        ErrorKind::NotFound => Err(bad_input(format!(
            "the program {PROGRAM} is neither beside {} nor on PATH; `cargo build --package {PROGRAM}` builds it",
            here.display()
        ))),
        _ => Err(error).with_context(|| format!("start {}", program.display())),
    }
}
