//! The settings of the decision API's process, as `default.toml` describes them.

use std::path::PathBuf;

use ceteris_backends::effects::{self, Effects};
use ceteris_backends::kafka::{self, Kafka};
use ceteris_backends::redis::{self, Redis};
use ceteris_backends::storage::{self, Storage};
use ceteris_backends::world;
use ceteris_chassis::clock::Clock;
use ceteris_chassis::config::{ByteSize, Settings};
use ceteris_contract::identity::IdentityKey;
use ceteris_decide::config::Config;
use ceteris_decide::keys::{ApiKeys, Scope};
use ceteris_journal::SyncMode;
use secrecy::ExposeSecret;

/// What the decision API is told.
pub(crate) struct Decide {
    pub(crate) kafka: Kafka,
    pub(crate) storage: Storage,
    pub(crate) redis: Redis,
    pub(crate) effects: Effects,
    pub(crate) identity: IdentityKey,
    pub(crate) clock: Clock,
    pub(crate) config: Config,
}

impl Decide {
    pub(crate) fn read(settings: &mut Settings) -> Option<Decide> {
        let kafka = kafka::read(settings);
        let storage = storage::read(settings);
        let redis = redis::read(settings);
        let effects = effects::read(settings);
        let identity = world::read_identity(settings);
        let clock = world::read_clock(settings);
        let config = read_config(settings);
        let (kafka, redis, mut config) = (kafka?, redis?, config?);
        config.topic_partitions = u32::from(kafka.partitions);
        config.features_timeout = redis.read_deadline;
        if let Err(error) = config.check() {
            settings.fault("api", &error.to_string());
        }
        Some(Decide {
            kafka,
            storage: storage?,
            redis,
            effects: effects?,
            identity: identity?,
            clock: clock?,
            config,
        })
    }
}

fn read_config(settings: &mut Settings) -> Option<Config> {
    let keys = read_keys(settings);
    let journal_sync = read_sync(settings);
    let dir: Option<PathBuf> = settings.value("journal.dir");
    let journal_bytes_max = settings.value::<ByteSize>("journal.bytes_max");
    let listen = settings.value("api.listen");
    let problems = settings.optional("api.problems").unwrap_or_default();
    let at_allowed = settings.value("api.at_allowed");
    let requests_max = settings.value("api.requests_max");
    let decide_bytes_max = settings.value::<ByteSize>("api.decide_bytes_max");
    let batch_bytes_max = settings.value::<ByteSize>("api.batch_bytes_max");
    let body_timeout = settings.value("api.body_timeout");
    let drain_timeout = settings.value("api.drain_timeout");
    let poll_interval = settings.value("models.poll_interval");
    let pinned_models_max = settings.value("models.pinned_max");
    let bytes = |size: ByteSize| usize::try_from(size.0).unwrap_or(usize::MAX);
    Some(Config {
        listen: listen?,
        keys: keys?,
        problems,
        journal_bytes_max: journal_bytes_max?.0,
        journal_sync: journal_sync?,
        at_allowed: at_allowed?,
        requests_max: requests_max?,
        decide_bytes_max: bytes(decide_bytes_max?),
        batch_bytes_max: bytes(batch_bytes_max?),
        body_timeout: body_timeout?,
        poll_interval: poll_interval?,
        pinned_models_max: pinned_models_max?,
        drain_timeout: drain_timeout?,
        ..Config::new(dir?)
    })
}

fn read_sync(settings: &mut Settings) -> Option<SyncMode> {
    match settings.value::<String>("journal.sync")?.as_str() {
        "os" => Some(SyncMode::Os),
        "disk" => Some(SyncMode::Disk),
        _ => {
            settings.fault("journal.sync", "give os or disk");
            None
        }
    }
}

fn read_keys(settings: &mut Settings) -> Option<ApiKeys> {
    let mut keys = Vec::new();
    let mut whole = true;
    for name in settings.names("api.keys") {
        let key = format!("api.keys.{name}");
        let secret = settings.required_secret(&format!("{key}.secret"));
        let words: Option<Vec<String>> = settings.value(&format!("{key}.scopes"));
        let scopes = words.and_then(|words| {
            words
                .iter()
                .map(|word| scope(word))
                .collect::<Option<Vec<Scope>>>()
        });
        match (secret, scopes) {
            (Some(secret), Some(scopes)) => keys.push((name, secret, scopes)),
            (_, None) => {
                settings.fault(&format!("{key}.scopes"), "give decide, models, or both");
                whole = false;
            }
            (None, _) => whole = false,
        }
    }
    if !whole {
        return None;
    }
    let given = keys
        .iter()
        .map(|(name, secret, scopes)| (name.as_str(), secret.expose_secret(), scopes.clone()));
    match ApiKeys::new(given) {
        Ok(keys) => Some(keys),
        Err(error) => {
            settings.fault("api.keys", &error.to_string());
            None
        }
    }
}

fn scope(word: &str) -> Option<Scope> {
    [Scope::Decide, Scope::Models]
        .into_iter()
        .find(|scope| scope.as_str() == word)
}
