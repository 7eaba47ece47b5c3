//! The settings of ingest's process, as `default.toml` describes them.

use std::time::Duration;

use ceteris_backends::kafka::{self, Kafka};
use ceteris_backends::redis::{self, Redis};
use ceteris_backends::storage::{self, Storage};
use ceteris_backends::world;
use ceteris_chassis::clock::Clock;
use ceteris_chassis::config::{ByteSize, Settings};
use ceteris_contract::identity::IdentityKey;
use ceteris_ingest::Config;

/// What ingest is told.
pub(crate) struct Ingest {
    pub(crate) kafka: Kafka,
    pub(crate) storage: Storage,
    pub(crate) buckets: u16,
    pub(crate) redis: Redis,
    pub(crate) identity: IdentityKey,
    pub(crate) clock: Clock,
    pub(crate) problems_interval: Duration,
    pub(crate) ingest: Config,
}

impl Ingest {
    pub(crate) fn read(settings: &mut Settings) -> Option<Ingest> {
        let kafka = kafka::read(settings);
        let storage = storage::read(settings);
        let buckets = storage::read_buckets(settings);
        let redis = redis::read(settings);
        let identity = world::read_identity(settings);
        let clock = world::read_clock(settings);
        let problems_interval = settings.value("ingest.problems_interval");
        let ingest = read_config(settings);
        Some(Ingest {
            kafka: kafka?,
            storage: storage?,
            buckets: buckets?,
            redis: redis?,
            identity: identity?,
            clock: clock?,
            problems_interval: problems_interval?,
            ingest: ingest?,
        })
    }
}

fn read_config(settings: &mut Settings) -> Option<Config> {
    let commit_rows = settings.value("ingest.commit_rows");
    let commit_bytes = settings.value::<ByteSize>("ingest.commit_bytes");
    let commit_interval = settings.value("ingest.commit_interval");
    let flush_interval = settings.value("ingest.flush_interval");
    let resident_units_max = settings.value("ingest.resident_units_max");
    let maintain_interval = settings.value("ingest.maintain_interval");
    Some(Config {
        commit_rows: commit_rows?,
        commit_bytes: usize::try_from(commit_bytes?.0).unwrap_or(usize::MAX),
        commit_interval: commit_interval?,
        flush_interval: flush_interval?,
        resident_units_max: resident_units_max?,
        maintain_interval: maintain_interval?,
    })
}
