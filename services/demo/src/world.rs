//! The simulated world of a demo, and the environment of services that live in it.

use std::collections::BTreeMap;

use ceteris_contract::identity::hex;
use ceteris_house::simulated_secret;
use ceteris_synth::ecommerce::{DAYS_DEFAULT, START, World, WorldConfig};
use ceteris_terminal::bad_input;

/// Fewer users leave some arm with too few rows to fit.
const USERS_MIN: u64 = 500;

/// The world of these users.
pub(crate) fn simulated(users: u64, seed: u64) -> anyhow::Result<World> {
    if users < USERS_MIN {
        return Err(bad_input(format!("--users {users}: give at least {USERS_MIN}")));
    }
    let users = u32::try_from(users).map_err(|_| bad_input("--users: give at most 10000000"))?;
    let config = WorldConfig {
        seed,
        users,
        days: DAYS_DEFAULT,
    };
    World::new(config).map_err(|error| bad_input(error.to_string()))
}

/// The variables of services that live in the simulated world of a seed: whose people these are, and what time it is.
/// Simulated people are the same wherever the same seed is run.
pub fn environment(seed: u64) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("CETERIS__IDENTITY__KEY", hex(&simulated_secret(seed))),
        ("CETERIS__CLOCK__KIND", "events".to_owned()),
        ("CETERIS__CLOCK__START", START.to_string()),
        ("CETERIS__API__AT_ALLOWED", "true".to_owned()),
        // A simulated world is small: more buckets would only be more files.
        ("CETERIS__LAKE__BUCKETS", "8".to_owned()),
        // Between events a simulated world stands still; its features are as current as they can be.
        ("CETERIS__FEATURES__STALE_AFTER", "30d".to_owned()),
        // Its answers are compared with another run's: a busy machine may slow a decision, not change it.
        ("CETERIS__FEATURES__READ_DEADLINE", "5s".to_owned()),
    ])
}
