//! The simulated shop that the benches work on: its problem, its world, and a folder in which all of it was learned.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::Context;
use ceteris_chassis::pool;
use ceteris_contract::identity::IdentityKey;
use ceteris_contract::problem::Problem;
use ceteris_synth::ecommerce::{DAYS_DEFAULT, World, WorldConfig};

use crate::house::world_secret;
use crate::output::bad_input;

const PROBLEM: &str = include_str!("../../../../../deploy/problems/ecommerce.yaml");

/// The problem, and the file it is read from.
pub(crate) fn problem() -> anyhow::Result<(Arc<Problem>, &'static str)> {
    let problem = Problem::from_yaml(PROBLEM).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("the shipped problem has faults: {}", faults.join("; "))
    })?;
    Ok((Arc::new(problem), PROBLEM))
}

/// The world of these users.
pub(crate) fn world(users: u32, seed: u64) -> anyhow::Result<World> {
    let config = WorldConfig {
        seed,
        users,
        days: DAYS_DEFAULT,
    };
    World::new(config).map_err(|error| bad_input(error.to_string()))
}

/// The key under which the world's people are stored.
pub(crate) fn identity(world: &World) -> IdentityKey {
    IdentityKey::new(world_secret(world.config().seed))
}

/// Fills a new folder as `ceteris demo` does: events in lake and features, a model in production, decisions stored. In a
/// process of its own, so that what it takes is not in this one's memory.
pub(crate) async fn settle(folder: &Path, users: u32, seed: u64) -> anyhow::Result<()> {
    let program = std::env::current_exe().context("find this program")?;
    let mut demo = Command::new(program);
    demo.args(["--format", "json", "demo", "--once", "--users"])
        .arg(users.to_string())
        .arg("--seed")
        .arg(seed.to_string())
        .arg("--data-dir")
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let ended = pool::run(move || demo.status())
        .await
        .context("make the world")?
        .context("start `ceteris demo`")?;
    anyhow::ensure!(ended.success(), "`ceteris demo` made no world: {ended}");
    Ok(())
}
