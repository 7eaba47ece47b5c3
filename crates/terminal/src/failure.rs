//! How a program ends: 0 if it did what it was asked, 2 if the input was at fault, 1 otherwise.

use std::fmt;
use std::process::ExitCode;

/// The caller's input is at fault: the program exits with 2.
#[derive(Debug)]
pub struct BadInput(String);

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadInput {}

/// An error that exits with 2. The sentence says what is wrong and how to mend it.
pub fn bad_input(sentence: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(BadInput(sentence.into()))
}

/// Tells an error on stderr under the program's name, and answers the code to exit with.
pub fn exit_code(program: &str, result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    eprintln!("{program}: {error:#}");
    // Bad input is the caller's to mend, anything else is ours or the machine's.
    if error.is::<BadInput>() {
        ExitCode::from(2)
    } else {
        ExitCode::FAILURE
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn bad_input_exits_with_2_and_anything_else_with_1() {
        assert_eq!(exit_code("test", Ok(())), ExitCode::SUCCESS);
        assert_eq!(
            exit_code("test", Err(bad_input("--users 3: give at least 500"))),
            ExitCode::from(2)
        );
        assert_eq!(
            exit_code("test", Err(anyhow::anyhow!("the disk is full"))),
            ExitCode::FAILURE
        );
        // What it was needed for does not change whose fault it is.
        let within: anyhow::Result<()> = Err(bad_input("no such file")).context("read the problem");
        assert_eq!(exit_code("test", within), ExitCode::from(2));
    }
}
