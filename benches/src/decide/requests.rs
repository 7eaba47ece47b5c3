//! What is asked for: the world's people, as they are at its end.

use anyhow::Context;
use ceteris_contract::duration::Span;
use ceteris_synth::ecommerce::World;

/// Different requests; they are asked for again and again.
const REQUESTS: usize = 256;

/// Where a decision's features come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// All of them stand in the request.
    Context,
    /// None does: the feature store is read once.
    Store,
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::Context => "context",
            Kind::Store => "store",
        }
    }

    /// The name of a case.
    pub(crate) fn named(self, loop_is: &str) -> String {
        match self {
            Kind::Context => format!("features in the context, {loop_is}"),
            Kind::Store => format!("one feature-store read, {loop_is}"),
        }
    }
}

/// Bodies of requests, every decidable arm on offer in each.
pub(crate) fn requests(world: &World, kind: Kind) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut requests = world.requests(REQUESTS, None, Span(0));
    if kind == Kind::Context {
        for request in &mut requests {
            let features = world.features_at(&request.user_id, world.end());
            request.context = features.context("work out a user's features")?.values();
        }
    }
    let bodies = requests.iter().map(serde_json::to_vec);
    bodies.collect::<Result<_, _>>().context("write a request")
}
