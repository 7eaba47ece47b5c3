//! Publication: the artifact first, then the aliases that point at it.

use ceteris_contract::time::Timestamp;
use ceteris_registry::{AliasTarget, LogEntry, Registry, RegistryError};

use crate::train::Trained;

/// The alias every new model gets.
pub const SHADOW: &str = "shadow";
/// The alias that is served.
pub const PRODUCTION: &str = "production";

/// Publishes the model as `shadow`, and as `production` where it passed every gate. Publishing the same model again
/// changes nothing.
///
/// # Errors
/// The registry's; an alias that another publisher moved at the same time is one of them.
pub async fn publish(registry: &Registry, model: &Trained, now: Timestamp) -> Result<bool, RegistryError> {
    registry.publish(&model.manifest, &model.arrays).await?;
    let failed = model.failed_gates();
    point(registry, model, SHADOW, "published", now).await?;
    if failed.is_empty() {
        point(registry, model, PRODUCTION, "every gate passed", now).await?;
    } else {
        tracing::warn!(
            model.version = model.manifest.version,
            gates = failed.join("; "),
            "the model is not promoted"
        );
    }
    Ok(failed.is_empty())
}

async fn point(
    registry: &Registry,
    model: &Trained,
    alias: &str,
    reason: &str,
    at: Timestamp,
) -> Result<(), RegistryError> {
    let problem = &model.manifest.what.problem;
    let current = registry.alias(problem, alias).await?;
    if current
        .as_ref()
        .is_some_and(|current| current.version == model.manifest.version)
    {
        return Ok(());
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
    Ok(())
}
