//! `ceteris world`: the environment of the services that live in one world: whose people these are, and what time it is.

use std::collections::BTreeMap;

use anyhow::Context;
use ceteris_chassis::entropy;
use ceteris_contract::identity::hex;
use ceteris_synth::ecommerce::START;

use crate::cli::{Format, WorldOf};
use crate::house::world_secret;
use crate::output::print;

/// Simulated people are the same wherever the same seed is run; a real world gets a new key, to be kept.
pub(crate) fn run(format: Format, args: &WorldOf) -> anyhow::Result<()> {
    let mut variables = BTreeMap::new();
    match args.seed {
        Some(seed) => {
            variables.insert("CETERIS__IDENTITY__KEY", hex(&world_secret(seed)));
            variables.insert("CETERIS__CLOCK__KIND", "events".to_owned());
            variables.insert("CETERIS__CLOCK__START", START.to_string());
            variables.insert("CETERIS__API__AT_ALLOWED", "true".to_owned());
            // A simulated world is small: more buckets would only be more files.
            variables.insert("CETERIS__LAKE__BUCKETS", "8".to_owned());
            // Between events a simulated world stands still; its features are as current as they can be.
            variables.insert("CETERIS__FEATURES__STALE_AFTER", "30d".to_owned());
            // Its answers are compared with another run's: a busy machine may slow a decision, not change it.
            variables.insert("CETERIS__FEATURES__READ_DEADLINE", "5s".to_owned());
        }
        None => {
            let mut secret = [0; 32];
            entropy::fill(&mut secret).context("draw an identity key")?;
            variables.insert("CETERIS__IDENTITY__KEY", hex(&secret));
        }
    }
    print(format, &variables, || {
        let lines: Vec<String> = variables
            .iter()
            .map(|(name, value)| format!("export {name}='{value}'"))
            .collect();
        lines.join("\n")
    })
}
