//! The settings of the tracker's process, as `default.toml` describes them.

use ceteris_backends::kafka::{self, Kafka};
use ceteris_backends::postgres::{self, Postgres};
use ceteris_chassis::config::{ByteSize, Settings};
use ceteris_tracker::Config;

/// What the tracker is told.
pub(crate) struct Tracker {
    pub(crate) kafka: Kafka,
    pub(crate) postgres: Postgres,
    pub(crate) tracker: Config,
}

impl Tracker {
    pub(crate) fn read(settings: &mut Settings) -> Option<Tracker> {
        let kafka = kafka::read(settings);
        let postgres = postgres::read(settings);
        let tracker = read_config(settings);
        Some(Tracker {
            kafka: kafka?,
            postgres: postgres?,
            tracker: tracker?,
        })
    }
}

fn read_config(settings: &mut Settings) -> Option<Config> {
    let rows_max = settings.value("tracker.rows_max");
    let bytes_max = settings.value::<ByteSize>("tracker.bytes_max");
    let held_bytes_max = settings.value::<ByteSize>("tracker.held_bytes_max");
    let interval = settings.value("tracker.interval");
    let bytes = |size: ByteSize| usize::try_from(size.0).unwrap_or(usize::MAX);
    Some(Config {
        rows_max: rows_max?,
        bytes_max: bytes(bytes_max?),
        held_bytes_max: bytes(held_bytes_max?),
        interval: interval?,
    })
}
