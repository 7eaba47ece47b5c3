//! `ceteris world`: the environment of the services that live in one world: whose people these are, and what time it is.

use std::collections::BTreeMap;

use anyhow::Context;
use ceteris_chassis::entropy;
use ceteris_contract::identity::hex;
use ceteris_terminal::{Format, print};

use crate::cli::WorldOf;

/// Simulated people are the same wherever the same seed is run; a real world gets a new key, to be kept.
pub(crate) fn run(format: Format, args: &WorldOf) -> anyhow::Result<()> {
    let variables = match args.seed {
        Some(seed) => ceteris_demo::environment(seed),
        None => {
            let mut secret = [0; 32];
            entropy::fill(&mut secret).context("draw an identity key")?;
            BTreeMap::from([("CETERIS__IDENTITY__KEY", hex(&secret))])
        }
    };
    print(format, &variables, || {
        let lines: Vec<String> = variables
            .iter()
            .map(|(name, value)| format!("export {name}='{value}'"))
            .collect();
        lines.join("\n")
    })
}
