//! What ingest works with: backends in a folder of this process, or those that the environment names.

use std::sync::Arc;

use ceteris_chassis::clock::Clock;
use ceteris_contract::problem::Problem;
use ceteris_feature_store::Owner;
use ceteris_house::{DataFolder, Origin, Ports, Scratch};
use ceteris_synth::ecommerce::START;

pub(crate) struct Setup {
    pub(crate) name: &'static str,
    pub(crate) ports: Ports,
    pub(crate) clock: Clock,
    pub(crate) owner: Owner,
    /// The folder that goes with it.
    _scratch: Option<Scratch>,
}

/// Embedded backends in a new folder.
pub(crate) async fn embedded(seed: u64) -> anyhow::Result<Setup> {
    let scratch = Scratch::new(None, "bench")?;
    let folder = DataFolder::open(scratch.path(), Origin::Simulated { start: START, seed }).await?;
    Ok(Setup {
        name: "embedded log",
        ports: folder.ports(String::new()),
        clock: folder.clock,
        owner: folder.owner,
        _scratch: Some(scratch),
    })
}

/// Kafka, S3 and Redis. They must be new: events of others would be counted as ours.
#[cfg(feature = "fleet")]
pub(crate) async fn fleet(problem: &Arc<Problem>) -> anyhow::Result<Setup> {
    use anyhow::Context;
    use ceteris_chassis::entropy;
    use ceteris_contract::topics::USER_EVENTS;
    use ceteris_house::fleet::Fleet;
    use ceteris_terminal::bad_input;

    let ports = Fleet::reach(std::env::vars()).await?.ports;
    let ends = ports.log.end_offsets(USER_EVENTS).await;
    let offsets = ports.lake.events().offsets().await;
    let used = ends.context("read the log's ends")?.iter().any(|&end| end > 0)
        || !offsets.context("read the lake's positions")?.is_empty();
    if used {
        return Err(bad_input(format!(
            "--fleet: user_events or the lake of {} holds events already; the bench needs a new fleet without services",
            problem.name
        )));
    }
    Ok(Setup {
        name: "Kafka",
        ports,
        clock: Clock::events(START),
        owner: Owner(entropy::nonce().context("draw an owner's nonce")?),
        _scratch: None,
    })
}

/// This build has the embedded backends only.
#[cfg(not(feature = "fleet"))]
pub(crate) async fn fleet(_: &Arc<Problem>) -> anyhow::Result<Setup> {
    Err(ceteris_terminal::bad_input(
        "--fleet: this build has the embedded backends only; build with `--features fleet`",
    ))
}
