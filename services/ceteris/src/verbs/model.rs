//! `ceteris model`: what is published.

use std::path::Path;

use anyhow::Context;
use ceteris_contract::manifest::Manifest;
use ceteris_registry::Registry;
use ceteris_terminal::{Format, bad_input, print};
use serde_json::json;

fn registry(folder: &Path) -> anyhow::Result<Registry> {
    let folder = folder.join("registry");
    if !folder.is_dir() {
        return Err(bad_input(format!("{} is no registry", folder.display())));
    }
    Registry::open(&folder).context("open the registry")
}

pub(crate) async fn list(format: Format, folder: &Path, problem: Option<&str>) -> anyhow::Result<()> {
    let registry = registry(folder)?;
    let mut rows = Vec::new();
    for version in registry.versions(problem).await.context("list versions")? {
        let manifest = registry
            .manifest(&version)
            .await
            .with_context(|| format!("read {version}"))?;
        let aliases: Vec<String> = registry
            .aliases(&manifest.what.problem)
            .await
            .context("list aliases")?
            .into_iter()
            .filter(|alias| alias.version == version)
            .map(|alias| alias.name)
            .collect();
        rows.push((manifest, aliases));
    }
    let document: Vec<_> = rows
        .iter()
        .map(|(manifest, aliases)| {
            json!({
                "version": manifest.version,
                "digest": manifest.digest,
                "problem": manifest.what.problem,
                "aliases": aliases,
                "trained_at": manifest.provenance.trained_at,
                "rows": manifest.what.rows,
                "effects": manifest.what.effects.len(),
                "not_served": manifest.what.not_served.len(),
            })
        })
        .collect();
    print(format, &document, || {
        let line = |(manifest, aliases): &(Manifest, Vec<String>)| {
            format!(
                "{}  {}  {} rows, {} effects  {}",
                manifest.version,
                manifest.provenance.trained_at,
                manifest.what.rows,
                manifest.what.effects.len(),
                aliases.join(", ")
            )
        };
        rows.iter().map(line).collect::<Vec<_>>().join("\n")
    })
}

pub(crate) async fn show(format: Format, folder: &Path, version: &str) -> anyhow::Result<()> {
    let registry = registry(folder)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if version.is_empty()
        || version.split('/').count() > 2
        || !version.split('/').all(|part| part.chars().all(plain))
    {
        return Err(bad_input(format!(
            "{version}: name a version, or an alias as <problem>/<alias>"
        )));
    }
    let version = match version.split_once('/') {
        Some((problem, alias)) => {
            registry
                .alias(problem, alias)
                .await
                .context("read the alias")?
                .ok_or_else(|| bad_input(format!("there is no alias {alias} of {problem}")))?
                .version
        }
        None => version.to_owned(),
    };
    if !registry
        .versions(None)
        .await
        .context("list versions")?
        .contains(&version)
    {
        return Err(bad_input(format!(
            "there is no version {version}; `ceteris model list` names those there are"
        )));
    }
    // Loaded, not only read: what is shown has passed its digests.
    let (manifest, _) = registry
        .load(&version)
        .await
        .with_context(|| format!("load {version}"))?;
    print(format, &manifest, || text(&manifest))
}

fn text(manifest: &Manifest) -> String {
    let what = &manifest.what;
    let mut lines = vec![
        format!("{}  trained {}", manifest.version, manifest.provenance.trained_at),
        format!(
            "{} rows of {} units, seed {}, {} folds",
            what.rows, what.units, what.seed, what.folds
        ),
    ];
    for effect in &what.effects {
        lines.push(format!(
            "{} on {}: {:.5} [{:.5}, {:.5}]  (difference in means {:.5})",
            effect.arm, effect.outcome, effect.estimate, effect.ci[0], effect.ci[1], effect.naive
        ));
    }
    for missing in &what.not_served {
        lines.push(format!(
            "{} on {}: not served, {}",
            missing.treatment, missing.outcome, missing.reason
        ));
    }
    for (name, gate) in &what.gates {
        let verdict = if gate.passed { "passed" } else { "failed" };
        lines.push(format!(
            "gate {name}: {} against {} {verdict}",
            gate.value, gate.bound
        ));
    }
    lines.join("\n")
}
