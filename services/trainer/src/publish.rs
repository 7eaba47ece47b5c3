//! Publication: the artifact first, then the aliases that point at it.

use ceteris_contract::time::Timestamp;
use ceteris_registry::{AliasTarget, Disposition, HasDisposition, LogEntry, Registry, RegistryError};

use crate::trained::Trained;

/// The alias every new model gets.
pub const SHADOW: &str = "shadow";
/// The alias that is served.
pub const PRODUCTION: &str = "production";

/// Publishes the model as `shadow`, and as `production` where it passed every gate; tells whether it stands there.
/// Publishing the same model again changes nothing. An alias that points at a model of a newer `as_of` stays: of trainers
/// that work side by side, the one that ends last need not have the newest data.
///
/// # Errors
/// The registry's; an alias that another publisher moved at the same time is one of them.
pub async fn publish(registry: &Registry, model: &Trained, now: Timestamp) -> Result<bool, RegistryError> {
    registry.publish(&model.manifest, &model.arrays).await?;
    let failed = model.failed_gates();
    point(registry, model, SHADOW, "published", now).await?;
    if failed.is_empty() {
        return point(registry, model, PRODUCTION, "every gate passed", now).await;
    }
    tracing::warn!(
        model.version = model.manifest.version,
        gates = failed.join("; "),
        "the model is not promoted"
    );
    Ok(false)
}

/// Points the alias at the model, and tells whether it does afterwards.
async fn point(
    registry: &Registry,
    model: &Trained,
    alias: &str,
    reason: &str,
    at: Timestamp,
) -> Result<bool, RegistryError> {
    let problem = &model.manifest.what.problem;
    let current = registry.alias(problem, alias).await?;
    if let Some(current) = &current {
        if current.version == model.manifest.version {
            return Ok(true);
        }
        if newer(registry, &current.version, model).await? {
            tracing::info!(
                model.version = model.manifest.version,
                alias,
                alias.version = current.version,
                "the alias stays at a model of newer data"
            );
            return Ok(false);
        }
    }
    let generation = current.map_or(0, |current| current.generation);
    let entry = LogEntry {
        who: "trainer".to_owned(),
        at,
        reason: reason.to_owned(),
    };
    let target = AliasTarget::version(&model.manifest.version);
    registry
        .move_alias(problem, alias, &target, generation, &entry)
        .await?;
    Ok(true)
}

/// Whether the version's data go further than the model's.
async fn newer(registry: &Registry, version: &str, model: &Trained) -> Result<bool, RegistryError> {
    let theirs = match registry.manifest(version).await {
        Ok(manifest) => manifest.provenance.as_of,
        Err(error) if error.disposition() == Disposition::Retry => return Err(error),
        // A model that cannot be read is nothing to keep.
        Err(_) => None,
    };
    let ours = model.manifest.provenance.as_of;
    Ok(matches!((theirs, ours), (Some(theirs), Some(ours)) if theirs > ours))
}
