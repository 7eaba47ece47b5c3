//! What ARCHITECTURE.md says is absent, and the house's habits, each proved over the files git would see and over what cargo
//! knows of the workspace. What the compiler proves is not here but in the files `clippy.toml`.

mod edges;
mod metadata;
mod programs;
mod prose;
mod sources;
mod supply;

use std::path::{Path, PathBuf};

use anyhow::Context;

use self::metadata::Metadata;
use self::supply::Deny;

/// Every fault found, each with its place.
pub(crate) fn run(root: &Path) -> anyhow::Result<Vec<String>> {
    let files = files(root)?;
    let mut faults = Vec::new();
    for file in &files {
        faults.extend(sources::check(root, file)?);
    }
    faults.extend(sources::method_paths(root)?);
    faults.extend(prose::check(root, &files)?);
    let deny = Deny::read(root)?;
    for (number, platform) in deny.targets().iter().enumerate() {
        let metadata = Metadata::read(root, platform)?;
        faults.extend(deny.check(&metadata));
        // The workspace's own packages are the same on every platform.
        if number == 0 {
            faults.extend(edges::check(&metadata));
            faults.extend(programs::check(&metadata));
        }
    }
    faults.sort();
    faults.dedup();
    Ok(faults)
}

/// Files below the root, in path order, without build output and hidden folders.
fn files(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))? {
            let path = entry?.path();
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    folders.push(path);
                }
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        let faults = run(&crate::root()).unwrap();
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
}
