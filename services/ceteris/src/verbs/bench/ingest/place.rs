//! Where events are taken in: backends in a folder of this process, or those that the environment names.

use std::sync::Arc;

use ceteris_chassis::clock::Clock;
use ceteris_contract::problem::Problem;
use ceteris_feature_store::Owner;
use ceteris_synth::ecommerce::START;

use crate::ground::Ground;
use crate::house::{House, World};
use crate::verbs::{Scratch, scratch};

pub(crate) struct Place {
    pub(crate) name: &'static str,
    pub(crate) ground: Ground,
    pub(crate) clock: Clock,
    pub(crate) owner: Owner,
    /// The folder that goes with this place.
    _folder: Option<Scratch>,
}

/// Embedded backends in a new folder.
pub(crate) async fn process(seed: u64) -> anyhow::Result<Place> {
    let folder = scratch(None, "bench")?;
    let house = House::open(folder.path(), World::Simulated { start: START, seed }).await?;
    Ok(Place {
        name: "embedded log",
        ground: Ground {
            log: house.log,
            lake: house.lake,
            features: house.features,
            registry: house.registry,
            store: house.store,
            identity: house.identity,
            api: String::new(),
        },
        clock: house.clock,
        owner: house.owner,
        _folder: Some(folder),
    })
}

/// Kafka, S3 and Redis. They must be new: events of others would be counted as ours.
#[cfg(feature = "fleet")]
pub(crate) async fn services(problem: &Arc<Problem>) -> anyhow::Result<Place> {
    use anyhow::Context;
    use ceteris_chassis::entropy;
    use ceteris_contract::topics::USER_EVENTS;

    use crate::output::bad_input;
    use crate::services::Services;

    let ground = Services::reach(std::env::vars()).await?.ground;
    let ends = ground.log.end_offsets(USER_EVENTS).await;
    let offsets = ground.lake.events().offsets().await;
    let used = ends.context("read the log's ends")?.iter().any(|&end| end > 0)
        || !offsets.context("read the lake's positions")?.is_empty();
    if used {
        return Err(bad_input(format!(
            "--fleet: user_events or the lake of {} holds events already; the bench needs a new fleet without services",
            problem.name
        )));
    }
    Ok(Place {
        name: "Kafka",
        ground,
        clock: Clock::events(START),
        owner: Owner(entropy::nonce().context("draw an owner's nonce")?),
        _folder: None,
    })
}

/// This build has the embedded backends only.
#[cfg(not(feature = "fleet"))]
pub(crate) async fn services(_: &Arc<Problem>) -> anyhow::Result<Place> {
    Err(crate::output::bad_input(
        "--fleet: this build has the embedded backends only; build with `--features fleet`",
    ))
}
