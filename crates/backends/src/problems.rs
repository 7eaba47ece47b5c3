//! The problems of the registry, as a service follows them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ceteris_chassis::Shutdown;
use ceteris_chassis::health::Health;
use ceteris_chassis::start::until_up;
use ceteris_contract::problem::Problem;
use ceteris_registry::Registry;
use tokio::sync::watch;

/// The newest version of each problem, by name.
pub type Problems = Vec<Arc<Problem>>;

/// Follows the registry: waits until it holds a problem, then looks again every `interval` and tells of changes. A
/// version that cannot be read is logged and ignored: the version that was read before stays in use.
///
/// # Errors
/// If the service is told to end first.
pub async fn follow(
    registry: Registry,
    interval: Duration,
    health: &Health,
    shutdown: &Shutdown,
) -> anyhow::Result<watch::Receiver<Problems>> {
    let first = until_up("problems", health, shutdown, || async {
        let problems = newest(&registry).await?;
        anyhow::ensure!(
            !problems.is_empty(),
            "no problem is registered yet: `ceteris provision --problem FILE` registers one"
        );
        Ok(problems)
    })
    .await?;
    let (tell, follower) = watch::channel(first);
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(interval) => {}
            }
            match newest(&registry).await {
                Ok(problems) => {
                    tell.send_if_modified(|known| {
                        let changed = *known != problems;
                        *known = problems;
                        changed
                    });
                }
                Err(error) => tracing::warn!(error = format!("{error:#}"), "the problems cannot be read now"),
            }
        }
    });
    Ok(follower)
}

async fn newest(registry: &Registry) -> anyhow::Result<Problems> {
    let mut problems = Vec::new();
    for name in registry.problems().await.context("list problems")? {
        let source = registry
            .get_problem(&name, None)
            .await
            .context("read a problem")?;
        let Some(source) = source else { continue };
        let problem = Problem::from_yaml(&source.yaml).map_err(|faults| {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("problem {name} in the registry: {}", faults.join("; "))
        })?;
        problems.push(Arc::new(problem));
    }
    Ok(problems)
}
