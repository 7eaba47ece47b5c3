//! The simulated shop that the benches work on: its problem, its world, and a folder in which all of it was learned.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::Context;
use ceteris_chassis::pool;
use ceteris_contract::identity::IdentityKey;
use ceteris_contract::problem::Problem;
use ceteris_synth::ecommerce::{DAYS_DEFAULT, World, WorldConfig};

use ceteris_house::simulated_secret;
use ceteris_terminal::bad_input;

const PROBLEM: &str = include_str!("../../deploy/problems/ecommerce.yaml");

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
    IdentityKey::new(simulated_secret(world.config().seed))
}

/// The program that makes a world.
const CETERIS: &str = "ceteris";

/// Fills a new folder as `ceteris demo` does: events in lake and features, a model in production, decisions stored. In a
/// process of its own, so that what it takes is not in this one's memory.
pub(crate) async fn settle(folder: &Path, users: u32, seed: u64) -> anyhow::Result<()> {
    let here = std::env::current_exe().context("find this program")?;
    let beside = here.with_file_name(CETERIS);
    // A name without a folder is looked for on PATH.
    let program = match beside.is_file() {
        true => beside.as_os_str(),
        false => OsStr::new(CETERIS),
    };
    let mut demo = Command::new(program);
    demo.args(["--format", "json", "demo", "--once", "--users"])
        .arg(users.to_string())
        .arg("--seed")
        .arg(seed.to_string())
        .arg("--data-dir")
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let ended = pool::run(move || demo.status()).await.context("make the world")?;
    let ended = ended.map_err(|error| match error.kind() {
        ErrorKind::NotFound => bad_input(format!(
            "the program {CETERIS} is neither beside {} nor on PATH; `cargo build --package {CETERIS}` builds it",
            here.display()
        )),
        _ => anyhow::Error::new(error).context("start `ceteris demo`"),
    })?;
    anyhow::ensure!(ended.success(), "`ceteris demo` made no world: {ended}");
    Ok(())
}
