//! What is wrong with a problem file: every fault of a file at once, each with its line and the fix.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// One fault of a problem file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("line {line}: {path}: {problem}; {fix}")]
pub struct Fault {
    /// The line at fault, counted from 1; for a missing key the line of what lacks it.
    pub line: usize,
    /// The column, counted from 1 in characters.
    pub column: Option<usize>,
    /// The key at fault (`features.tier.window`), `$` for the whole file.
    pub path: String,
    /// What is wrong with it.
    pub problem: String,
    /// What would be right.
    pub fix: String,
}

/// A place in the file, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub line: usize,
    pub column: usize,
}

/// Collects faults, and knows where each key of the file stands.
#[derive(Default)]
pub(super) struct Faults {
    found: Vec<Fault>,
    marks: BTreeMap<String, Mark>,
    unread: BTreeSet<String>,
}

impl Faults {
    /// Remembers where `path` stands.
    pub fn mark(&mut self, path: &str, mark: Mark) {
        self.marks.entry(path.to_owned()).or_insert(mark);
    }

    /// A fault at a place.
    pub fn at(&mut self, mark: Mark, path: &str, problem: impl Into<String>, fix: impl Into<String>) {
        self.found.push(Fault {
            line: mark.line,
            column: Some(mark.column),
            path: path.to_owned(),
            problem: problem.into(),
            fix: fix.into(),
        });
    }

    /// A fault at a key: where it stands, else where the nearest key above it stands.
    pub fn add(&mut self, path: &str, problem: impl Into<String>, fix: impl Into<String>) {
        let mark = self.nearest(path);
        self.at(mark, path, problem, fix);
    }

    /// Ends reading: what had a fault so far has no value that could be checked further.
    pub fn end_of_reading(&mut self) {
        self.unread = self.found.iter().map(|f| f.path.clone()).collect();
    }

    /// True where `path` was read without a fault, so that its value may be checked.
    pub fn was_read(&self, path: &str) -> bool {
        !self.unread.contains(path)
    }

    /// A fault of a value that was read; said once where reading it failed already.
    pub fn check(&mut self, path: &str, problem: impl Into<String>, fix: impl Into<String>) {
        if self.was_read(path) {
            self.add(path, problem, fix);
        }
    }

    /// True without faults.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The faults in file order.
    pub fn into_sorted(mut self) -> Vec<Fault> {
        self.found
            .sort_by(|a, b| (a.line, a.column, &a.path).cmp(&(b.line, b.column, &b.path)));
        self.found.dedup();
        self.found
    }

    fn nearest(&self, path: &str) -> Mark {
        let mut path = path;
        loop {
            if let Some(mark) = self.marks.get(path) {
                return *mark;
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => {
                    return self
                        .marks
                        .get("$")
                        .copied()
                        .unwrap_or(Mark { line: 1, column: 1 });
                }
            }
        }
    }
}

/// The words of a fix that tells what a name could have been: the closest of `known`, else all of them.
pub(super) fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let near = known
        .iter()
        .map(|k| (distance(name, k), *k))
        .filter(|(d, k)| *d <= 1.max(k.chars().count() / 3))
        .min();
    match near {
        Some((_, closest)) => format!("did you mean `{closest}`?"),
        None if known.is_empty() => "there is none to name yet".to_owned(),
        None => format!("known: {}", known.join(", ")),
    }
}

/// Edit distance with swaps of neighbours (optimal string alignment), case ignored; words over 64 letters are far.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.to_lowercase().chars().collect();
    let b: Vec<char> = b.to_lowercase().chars().collect();
    if a.len() > 64 || b.len() > 64 {
        return usize::MAX;
    }
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let change = usize::from(a[i - 1] != b[j - 1]);
                let mut best = (rows[i - 1][j] + 1)
                    .min(rows[i][j - 1] + 1)
                    .min(rows[i - 1][j - 1] + change);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested_and_far_ones_listed() {
        assert_eq!(
            did_you_mean("windwo", ["window", "bucket"]),
            "did you mean `window`?"
        );
        assert_eq!(did_you_mean("Window", ["window"]), "did you mean `window`?");
        assert_eq!(did_you_mean("horizon", ["window", "ttl"]), "known: window, ttl");
    }

    #[test]
    fn a_swap_is_one_edit() {
        assert_eq!(distance("eidt", "edit"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
