//! The settings of the trainer's process, as `default.toml` describes them.

use ceteris_backends::storage::{self, Storage};
use ceteris_backends::world;
use ceteris_chassis::clock::Clock;
use ceteris_chassis::config::Settings;
use ceteris_chassis::worklist::Pace;
use ceteris_trainer::Config;

/// What the trainer is told.
pub(crate) struct Trainer {
    pub(crate) storage: Storage,
    pub(crate) clock: Clock,
    pub(crate) trainer: Config,
}

impl Trainer {
    pub(crate) fn read(settings: &mut Settings) -> Option<Trainer> {
        let storage = storage::read(settings);
        let clock = world::read_clock(settings);
        let trainer = read_config(settings);
        Some(Trainer {
            storage: storage?,
            clock: clock?,
            trainer: trainer?,
        })
    }
}

fn read_config(settings: &mut Settings) -> Option<Config> {
    let poll_interval = settings.value("trainer.poll_interval");
    let folds = settings.value("trainer.folds");
    let threads = settings.value("trainer.threads");
    let attempts_max = settings.value("trainer.attempts_max");
    if folds.is_some_and(|folds: u32| folds < 2) {
        settings.fault("trainer.folds", "give at least 2");
    }
    Some(Config {
        pace: Pace {
            poll_interval: poll_interval?,
            attempts_max: attempts_max?,
            ..Pace::default()
        },
        folds: folds?,
        threads: threads?,
    })
}
