//! Finds programs on this machine, or says how to install them.

use std::path::{Path, PathBuf};

/// The program `name`, looked for on `PATH` and then in `places` (folders).
///
/// # Errors
/// One sentence that says what is missing and how it is installed.
pub fn find(name: &str, places: &[&Path], install: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(places.iter().map(PathBuf::from));
    let mut programs = folders.map(|folder| folder.join(name));
    programs.find(|program| program.is_file()).ok_or_else(|| {
        anyhow::anyhow!(
            "{name} is not installed on this machine: run ./setup, or install it with `{install}`"
        )
    })
}

/// Whether this process is root, as which some servers refuse to run.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_its_cure() {
        let error = find("no-such-server", &[], "apt-get install no-such-server").unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("no-such-server is not installed") && text.contains("apt-get install"),
            "{text}"
        );
    }
}
