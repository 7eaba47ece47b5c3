//! The settings of the ETL's process, as `default.toml` describes them.

use ceteris_backends::kafka::{self, Kafka};
use ceteris_backends::storage::{self, Storage};
use ceteris_backends::world;
use ceteris_chassis::clock::Clock;
use ceteris_chassis::config::Settings;
use ceteris_chassis::worklist::Pace;
use ceteris_etl::Config;

/// What the ETL is told.
pub(crate) struct Etl {
    pub(crate) kafka: Kafka,
    pub(crate) storage: Storage,
    pub(crate) buckets: u16,
    pub(crate) clock: Clock,
    pub(crate) etl: Config,
}

impl Etl {
    pub(crate) fn read(settings: &mut Settings) -> Option<Etl> {
        let kafka = kafka::read(settings);
        let storage = storage::read(settings);
        let buckets = storage::read_buckets(settings);
        let clock = world::read_clock(settings);
        let etl = read_config(settings);
        Some(Etl {
            kafka: kafka?,
            storage: storage?,
            buckets: buckets?,
            clock: clock?,
            etl: etl?,
        })
    }
}

fn read_config(settings: &mut Settings) -> Option<Config> {
    let poll_interval = settings.value("etl.poll_interval");
    let schedules = settings.optional("etl.schedules").unwrap_or_default();
    let threads = settings.value("etl.threads");
    let work_dir = settings.optional("etl.work_dir");
    let attempts_max = settings.value("etl.attempts_max");
    Some(Config {
        pace: Pace {
            poll_interval: poll_interval?,
            attempts_max: attempts_max?,
            ..Pace::default()
        },
        schedules,
        threads: threads?,
        work_dir,
    })
}
