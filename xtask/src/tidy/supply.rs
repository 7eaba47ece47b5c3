//! What may enter the dependency tree: the licences, bans and sources of `deny.toml`, proved from `cargo metadata`. Advisories
//! and duplicate versions need cargo-deny and a network: `just deny`.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use super::metadata::{Metadata, Package};

/// The parts of `deny.toml` that are proved here; cargo-deny reads all of it.
#[derive(Debug, Deserialize)]
pub(crate) struct Deny {
    graph: Graph,
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Debug, Deserialize)]
struct Graph {
    targets: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
}

#[derive(Debug, Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Debug, Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: BTreeSet<String>,
}

impl Deny {
    pub(crate) fn read(root: &Path) -> anyhow::Result<Deny> {
        let text = std::fs::read_to_string(root.join("deny.toml")).context("read deny.toml")?;
        toml::from_str(&text).context("read deny.toml")
    }

    /// The platforms that are built for.
    pub(crate) fn targets(&self) -> &[String] {
        &self.graph.targets
    }

    /// Faults in what the workspace is built with on one platform.
    pub(crate) fn check(&self, metadata: &Metadata) -> Vec<String> {
        let mut faults: Vec<String> = metadata.used().flat_map(|package| self.faults(package)).collect();
        for package in metadata.members() {
            let wild = package
                .dependencies
                .iter()
                .filter(|d| d.req == "*" && d.path.is_none());
            faults
                .extend(wild.map(|d| format!("{} takes any version of {}: name one", package.name, d.name)));
        }
        faults
    }

    fn faults(&self, package: &Package) -> Vec<String> {
        let named = format!("{} {}", package.name, package.version);
        let mut faults = Vec::new();
        match package
            .license
            .as_deref()
            .map(|text| (text, allows(text, &self.licenses.allow)))
        {
            None => faults.push(format!("{named} states no licence")),
            Some((_, Ok(true))) => {}
            Some((text, Ok(false))) => {
                faults.push(format!("{named} is under {text}, which deny.toml does not allow"))
            }
            Some((text, Err(error))) => faults.push(format!(
                "{named}: the licence {text:?} is not understood: {error}"
            )),
        }
        if let Some(ban) = self.bans.deny.iter().find(|ban| ban.name == package.name) {
            faults.push(format!("{named} is banned: {}", ban.reason));
        }
        if let Some(source) = &package.source {
            let registry = source.strip_prefix("registry+").unwrap_or(source);
            if !self.sources.allow_registry.contains(registry) {
                faults.push(format!(
                    "{named} comes from {source}, which deny.toml does not allow"
                ));
            }
        }
        faults
    }
}

/// Whether an SPDX expression can be satisfied with the allowed licences: all sides of an AND, one side of an OR.
fn allows(expression: &str, allowed: &BTreeSet<String>) -> anyhow::Result<bool> {
    // `MIT/Apache-2.0` is how manifests wrote OR before SPDX.
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    let allowed = any(&mut words, allowed)?;
    anyhow::ensure!(words.peek().is_none(), "it goes on after its end");
    Ok(allowed)
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> anyhow::Result<bool> {
    let mut good = all(words, allowed)?;
    while words.next_if_eq(&"OR").is_some() {
        good |= all(words, allowed)?;
    }
    Ok(good)
}

fn all(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> anyhow::Result<bool> {
    let mut good = one(words, allowed)?;
    while words.next_if_eq(&"AND").is_some() {
        good &= one(words, allowed)?;
    }
    Ok(good)
}

fn one(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> anyhow::Result<bool> {
    let word = words.next().context("a licence is missing")?;
    if word == "(" {
        let good = any(words, allowed)?;
        anyhow::ensure!(words.next() == Some(")"), "a bracket is not closed");
        return Ok(good);
    }
    anyhow::ensure!(
        !["AND", "OR", "WITH", ")"].contains(&word),
        "a licence is missing before {word}"
    );
    if words.next_if_eq(&"WITH").is_some() {
        let exception = words.next().context("an exception is missing")?;
        return Ok(allowed.contains(&format!("{word} WITH {exception}")));
    }
    Ok(allowed.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_read_as_spdx_has_them() {
        let allowed = ["MIT", "Apache-2.0 WITH LLVM-exception"]
            .map(str::to_owned)
            .into();
        for (expression, expected) in [
            ("MIT", true),
            ("GPL-3.0", false),
            ("GPL-3.0 OR MIT", true),
            ("Unlicense/MIT", true),
            ("GPL-3.0 AND MIT", false),
            ("GPL-3.0 OR MIT AND Apache-2.0", false),
            ("(GPL-3.0 OR MIT) AND Apache-2.0 WITH LLVM-exception", true),
            ("Apache-2.0", false),
        ] {
            assert_eq!(allows(expression, &allowed).unwrap(), expected, "{expression}");
        }
        for broken in ["", "MIT OR", "(MIT", "MIT MIT", "AND"] {
            assert!(allows(broken, &allowed).is_err(), "{broken}");
        }
    }
}
