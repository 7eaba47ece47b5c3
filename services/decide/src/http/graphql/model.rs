//! Models by the graph they were trained on.

use async_graphql::{Error, Result, SimpleObject};
use ceteris_registry::RegistryError;

use crate::app::App;

/// Versions of one problem looked at, newest first by name of the registry's list.
const VERSIONS_MAX: usize = 200;

/// A model trained on a graph.
#[derive(SimpleObject)]
#[graphql(name = "Model")]
pub(super) struct ModelUsing {
    /// `<problem>-<12 hex of digest>`.
    version: String,
    /// SHA-256 of the artifact.
    digest: String,
    /// When it was trained.
    trained_at: String,
    /// Digest of its training data.
    dataset_digest: String,
    /// Whether it is the one that decides.
    production: bool,
}

/// The models of a problem whose manifest pins this graph.
pub(super) async fn using(app: &App, problem: &str, graph_digest: &str) -> Result<Vec<ModelUsing>> {
    let registry = app.catalog.registry();
    let failed = |error: RegistryError| {
        tracing::warn!(%error, problem, "the registry's models cannot be read");
        Error::new(format!(
            "the models of {problem} cannot be read; the service logged why"
        ))
    };
    let entries = app.catalog.entries();
    let served = entries.get(problem).and_then(|entry| entry.served.model());
    let served = served.map(|model| model.manifest().version.clone());
    let mut found = Vec::new();
    for version in registry
        .versions(Some(problem))
        .await
        .map_err(failed)?
        .into_iter()
        .take(VERSIONS_MAX)
    {
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
    Ok(found)
}
