//! The settings of the tracker's process, as `default.toml` describes them.

use ceteris_backends::kafka::{self, Kafka};
use ceteris_backends::postgres::{self, Postgres};
use ceteris_chassis::config::Settings;

/// What the tracker is told.
pub(crate) struct Tracker {
    pub(crate) kafka: Kafka,
    pub(crate) postgres: Postgres,
}

impl Tracker {
    pub(crate) fn read(settings: &mut Settings) -> Option<Tracker> {
        let kafka = kafka::read(settings);
        let postgres = postgres::read(settings);
        Some(Tracker {
            kafka: kafka?,
            postgres: postgres?,
        })
    }
}
