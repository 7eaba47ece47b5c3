//! What the pages say of other places: links that lead somewhere, and known limits that are tied to a test or a page.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// Where the known limits stand, and under which heading.
const ARCHITECTURE: &str = "ARCHITECTURE.md";
const LIMITS: &str = "## Known limits";
/// Stands before the tests and pages of a limit.
const TIE: &str = "→";

/// Faults in the pages among `files`.
pub(crate) fn check(root: &Path, files: &[PathBuf]) -> anyhow::Result<Vec<String>> {
    let mut faults = Vec::new();
    for page in files
        .iter()
        .filter(|file| file.extension().is_some_and(|e| e == "md"))
    {
        let place = page.strip_prefix(root).unwrap_or(page).display().to_string();
        let text = read(page)?;
        for link in links(&text).filter(|link| !link.contains("://")) {
            if !leads_somewhere(page, link)? {
                faults.push(format!("{place}: the link {link} leads nowhere"));
            }
        }
    }
    faults.extend(limits(&read(&root.join(ARCHITECTURE))?, &tests(files)?));
    Ok(faults)
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}

/// The targets of `[text](target)`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')').map(|(link, _)| link))
}

/// Whether a link of a page names a file or folder and, where it names a heading, one of that page's.
fn leads_somewhere(page: &Path, link: &str) -> anyhow::Result<bool> {
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let target = match file {
        "" => page.to_path_buf(),
        file => page.parent().unwrap_or(Path::new("")).join(file),
    };
    if heading.is_empty() || !target.exists() {
        return Ok(target.exists());
    }
    let text = read(&target)?;
    let mut headings = text.lines().filter(|line| line.starts_with('#'));
    Ok(headings.any(|line| anchor(line) == heading))
}

/// What a heading is called in links: lower case, blanks as hyphens, no other signs.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = words
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The names of all functions of integration tests; some tests are run through a macro that knows them by name.
fn tests(files: &[PathBuf]) -> anyhow::Result<BTreeSet<String>> {
    let is_test = |file: &&PathBuf| {
        let folders = file.components().any(|part| part.as_os_str() == "tests");
        folders && file.extension().is_some_and(|e| e == "rs")
    };
    let mut names = BTreeSet::new();
    for file in files.iter().filter(is_test) {
        let text = read(file)?;
        let functions = text.split("fn ").skip(1).filter_map(|rest| rest.split_once('('));
        names.extend(functions.map(|(name, _)| name.to_owned()));
    }
    Ok(names)
}

/// Limits that no test and no page shows. Whether linked pages exist is told with all other links.
fn limits(text: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let section = text.split_once(LIMITS).map(|(_, rest)| rest).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut faults = Vec::new();
    for limit in section.split("\n- ").skip(1) {
        let named = limit.lines().next().unwrap_or_default();
        let ties = limit.rsplit_once(TIE).map(|(_, ties)| ties).unwrap_or_default();
        let held_by: Vec<&str> = ties.split('`').skip(1).step_by(2).collect();
        if held_by.is_empty() && links(ties).next().is_none() {
            faults.push(format!(
                "{ARCHITECTURE}: no test and no page shows the limit: {named}"
            ));
        }
        let missing = held_by.into_iter().filter(|name| !tests.contains(*name));
        faults.extend(
            missing.map(|name| format!("{ARCHITECTURE}: there is no test {name}, of the limit: {named}")),
        );
    }
    if faults.is_empty() && !section.contains("\n- ") {
        faults.push(format!("{ARCHITECTURE}: there are no limits under {LIMITS}"));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_needs_a_test_or_a_page() {
        let text = "## Known limits\n\n- One.\n  → `a_test`\n- Two.\n- Three. → [page](page.md)\n- Four. → `none`\n\n## Next\n\n- Five.";
        let faults = limits(text, &BTreeSet::from(["a_test".to_owned()]));
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(
            faults[0].contains("Two") && faults[1].contains("no test none"),
            "{faults:?}"
        );
    }

    #[test]
    fn headings_are_named_as_in_links() {
        assert_eq!(anchor("## Trees on 401(k)"), "trees-on-401k");
        assert_eq!(
            anchor("# Registry, records and stores"),
            "registry-records-and-stores"
        );
    }
}
