//! A fleet of separate services, reached through the backends that the environment names.

use anyhow::Context;
use ceteris_backends::kafka::{self, Kafka};
use ceteris_backends::storage::{self, Storage};
use ceteris_backends::{postgres, redis, world};
use ceteris_chassis::config;
use ceteris_contract::identity::IdentityKey;
use ceteris_contract::time::Timestamp;
use ceteris_contract::topics::{CAUSAL_DECISIONS, USER_EVENTS, dead_letters};
use ceteris_lake::{Datasets, Lake};
use ceteris_registry::Registry;
use ceteris_terminal::bad_input;

use crate::ports::Ports;

/// The commented settings of a program that reaches a fleet, with their defaults.
pub const DEFAULTS: &str = include_str!("../fleet.toml");

/// What the environment names; nothing is connected yet.
pub struct Backends {
    kafka: Kafka,
    storage: Storage,
    buckets: u16,
    redis: redis::Redis,
    postgres: postgres::Postgres,
    identity: IdentityKey,
    api: String,
}

/// A fleet within reach.
pub struct Fleet {
    /// How it is reached.
    pub ports: Ports,
    /// Where datasets are asked for and answered.
    pub datasets: Datasets,
}

impl Backends {
    /// Reads the variables `CETERIS__SECTION__KEY`; all faults are told at once.
    ///
    /// # Errors
    /// Faults in the variables are the caller's bad input.
    pub fn read(environment: impl IntoIterator<Item = (String, String)>) -> anyhow::Result<Backends> {
        let mut settings = config::Settings::gather(DEFAULTS, None, environment);
        let read = read(&mut settings);
        settings.finish().map_err(|error| bad_input(error.to_string()))?;
        read.context("a setting could not be read")
    }

    /// Makes the topics of every service, where they are missing, and answers their names.
    ///
    /// # Errors
    /// Where the log does not answer, or refuses a topic.
    pub async fn make_topics(&self) -> anyhow::Result<Vec<String>> {
        let log = self.kafka.open()?;
        let topics = vec![
            USER_EVENTS.to_owned(),
            CAUSAL_DECISIONS.to_owned(),
            dead_letters(USER_EVENTS, ceteris_ingest::GROUP),
            dead_letters(CAUSAL_DECISIONS, ceteris_tracker::GROUP),
        ];
        for topic in &topics {
            let partitions = log.create_topic(topic, u32::from(self.kafka.partitions)).await;
            partitions.with_context(|| format!("make the topic {topic}"))?;
        }
        Ok(topics)
    }

    /// Artifacts, problems and aliases.
    pub fn registry(&self) -> Registry {
        self.storage.registry()
    }
}

fn read(settings: &mut config::Settings) -> Option<Backends> {
    let kafka = kafka::read(settings);
    let storage = storage::read(settings);
    let buckets = storage::read_buckets(settings);
    let redis = redis::read(settings);
    let postgres = postgres::read(settings);
    let identity = world::read_identity(settings);
    let listen: Option<String> = settings.value("api.listen");
    settings.below("api");
    Some(Backends {
        kafka: kafka?,
        storage: storage?,
        buckets: buckets?,
        redis: redis?,
        postgres: postgres?,
        identity: identity?,
        api: format!("http://{}", listen?),
    })
}

/// Opens the lake at `url`, which must exist, and the registry beside it. The endpoint and the keys are the environment's, as
/// every service reads them.
///
/// # Errors
/// Faults in the URL or the variables are the caller's bad input; others are those of the storage.
pub async fn history(
    url: &str,
    environment: impl IntoIterator<Item = (String, String)>,
) -> anyhow::Result<(Lake, Registry)> {
    let place = ("CETERIS__STORAGE__URL".to_owned(), url.to_owned());
    let others = environment
        .into_iter()
        .filter(|(name, _)| name.starts_with("CETERIS__STORAGE__") && *name != place.0)
        .collect::<Vec<_>>();
    let defaults = include_str!("../storage.toml");
    let mut settings = config::Settings::gather(defaults, None, others.into_iter().chain([place]));
    let storage = storage::read(&mut settings);
    settings
        .finish()
        .map_err(|error| bad_input(format!("--lake {url}: {error}")))?;
    let storage = storage.context("a setting could not be read")?;
    Ok((storage.existing_lake().await?, storage.registry()))
}

impl Fleet {
    /// Connects to everything a program needs of it.
    ///
    /// # Errors
    /// Where a variable is missing or wrong, or a backend does not answer.
    pub async fn reach(environment: impl IntoIterator<Item = (String, String)>) -> anyhow::Result<Fleet> {
        let backends = Backends::read(environment)?;
        let log = backends.kafka.open()?;
        backends
            .kafka
            .ensure_topics(&*log, &[USER_EVENTS, CAUSAL_DECISIONS])
            .await?;
        Ok(Fleet {
            ports: Ports {
                log,
                lake: backends.storage.lake(backends.buckets, Timestamp(0)).await?,
                features: backends.redis.features(backends.kafka.partitions)?,
                registry: backends.storage.registry(),
                store: backends.postgres.connect().await?,
                identity: backends.identity,
                api: backends.api,
            },
            datasets: backends.storage.datasets(),
        })
    }
}
