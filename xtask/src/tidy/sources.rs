//! What no source file may hold, by folder.

use std::path::Path;

use anyhow::Context;

/// Most lines of a source file that is shipped; a longer one holds two subjects.
const LINES_MAX: usize = 500;

/// Folders of pure code. Most of what it must not do is refused by the compiler (`crates/causal/clippy.toml`) or cannot be
/// reached (`edges.rs`); a function may still be async without any of that.
const PURE: [&str; 4] = [
    "crates/causal/",
    "crates/contract/",
    "crates/features/",
    "crates/synth/",
];

/// Faults of one file.
pub(crate) fn check(root: &Path, file: &Path) -> anyhow::Result<Vec<String>> {
    if file.extension().is_none_or(|e| e != "rs") {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    let place = file
        .strip_prefix(root)
        .unwrap_or(file)
        .to_string_lossy()
        .replace('\\', "/");
    let mut faults = Vec::new();
    let opening = text.lines().next().unwrap_or_default();
    if !opening.starts_with("//!") && !opening.starts_with("#![doc") {
        faults.push(format!("{place}:1: does not open by saying what it is for (//!)"));
    }
    let lines = text.lines().count();
    let shipped = !place.contains("/tests/");
    if shipped && lines > LINES_MAX {
        faults.push(format!(
            "{place}: has {lines} lines, more than {LINES_MAX}: split it by subject"
        ));
    }
    if shipped && PURE.iter().any(|folder| place.starts_with(folder)) {
        for (number, line) in text.lines().enumerate() {
            let code = line.trim_start();
            if code.contains("async fn") && !code.starts_with("//") {
                faults.push(format!(
                    "{place}:{}: is async, but pure code waits for nothing",
                    number + 1
                ));
            }
        }
    }
    Ok(faults)
}

/// METHOD.md names a module path for every symbol; each must exist in one of the core's crates, or below the root.
pub(crate) fn method_paths(root: &Path) -> anyhow::Result<Vec<String>> {
    let core = Path::new("crates/causal");
    let place = core.join("METHOD.md");
    let text =
        std::fs::read_to_string(root.join(&place)).with_context(|| format!("read {}", place.display()))?;
    let mut inside = vec![root.to_path_buf(), root.join(core), root.join(core).join("src")];
    for entry in std::fs::read_dir(root.join(core)).with_context(|| format!("list {}", core.display()))? {
        let part = entry?.path();
        inside.push(part.join("src"));
        inside.push(part);
    }
    let mut faults = Vec::new();
    let mut seen = 0;
    for (number, line) in text.lines().enumerate() {
        let quoted = line.split('`').skip(1).step_by(2);
        for path in quoted.filter(|quoted| quoted.ends_with(".rs")) {
            seen += 1;
            if !inside.iter().any(|folder| folder.join(path).is_file()) {
                faults.push(format!(
                    "{}:{}: `{path}` does not exist",
                    place.display(),
                    number + 1
                ));
            }
        }
    }
    if seen == 0 {
        faults.push(format!("{}: names no source file", place.display()));
    }
    Ok(faults)
}
