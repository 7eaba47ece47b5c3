//! Models by the graph they were trained on.

use async_graphql::{Result, SimpleObject};
use ceteris_registry::RegistryError;

use super::refused;
use crate::app::App;

/// Model versions of one problem whose manifests are read for one query, in the order of the registry's list.
const VERSIONS_MAX: usize = 200;

/// The models trained on a graph.
#[derive(SimpleObject)]
#[graphql(name = "Models")]
pub(super) struct ModelsUsing {
    /// The models.
    models: Vec<ModelUsing>,
    /// Whether these are all; the manifests of 200 versions are read at most.
    complete: bool,
}

/// A model trained on a graph.
#[derive(SimpleObject)]
#[graphql(name = "Model")]
pub(super) struct ModelUsing {
    /// Its version: `<problem>-<12 hex digits of its digest>`.
    version: String,
    /// SHA-256 of the artifact, in hex.
    digest: String,
    /// When it was trained, RFC 3339.
    trained_at: String,
    /// SHA-256 of its training data, in hex.
    dataset_digest: String,
    /// Whether this service decides by it now.
    production: bool,
}

/// The models of a problem whose manifest pins this graph.
pub(super) async fn using(app: &App, problem: &str, graph_digest: &str) -> Result<ModelsUsing> {
    let registry = app.catalog.registry();
    let failed = |error: RegistryError| {
        tracing::warn!(%error, problem, "the registry's models cannot be read");
        refused(
            "unavailable",
            format!("the models of {problem} cannot be read; the service logged why"),
        )
    };
    let entries = app.catalog.entries();
    let served = entries.get(problem).and_then(|entry| entry.served.model());
    let served = served.map(|model| model.manifest().version.clone());
    let versions = registry.versions(Some(problem)).await.map_err(failed)?;
    let complete = versions.len() <= VERSIONS_MAX;
    let mut found = Vec::new();
    for version in versions.into_iter().take(VERSIONS_MAX) {
        let manifest = registry.manifest(&version).await.map_err(failed)?;
        if manifest.what.graph_digest == graph_digest {
            found.push(ModelUsing {
                production: served.as_deref() == Some(version.as_str()),
                version,
                digest: manifest.digest,
                trained_at: manifest.provenance.trained_at.to_string(),
                dataset_digest: manifest.what.dataset_digest,
            });
        }
    }
    Ok(ModelsUsing {
        models: found,
        complete,
    })
}
