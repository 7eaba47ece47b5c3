//! A fleet of separate services, reached through its backends as the environment names them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use ceteris_backends::kafka::{self, Kafka};
use ceteris_backends::storage::{self, Storage};
use ceteris_backends::{postgres, redis, world};
use ceteris_chassis::config::Settings;
use ceteris_contract::dataset::Dataset;
use ceteris_contract::identity::IdentityKey;
use ceteris_contract::problem::Problem;
use ceteris_contract::time::Timestamp;
use ceteris_contract::topics::{CAUSAL_DECISIONS, USER_EVENTS};
use ceteris_lake::{Answer, DatasetRequest, Training};
use ceteris_trainer::Trained;

use crate::ground::Ground;
use crate::house::world_identity;
use crate::output::bad_input;
use crate::progress::Stage;
use crate::verbs::demo::report::Seconds;

const DEFAULTS: &str = include_str!("../fleet.toml");
/// How often an answer is looked for.
const LOOK: Duration = Duration::from_millis(100);
/// How long a dataset, or a model, may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// What the environment names.
pub(crate) struct Backends {
    pub(crate) kafka: Kafka,
    pub(crate) storage: Storage,
    buckets: u16,
    redis: redis::Redis,
    postgres: postgres::Postgres,
    identity: IdentityKey,
    api: String,
}

/// A fleet within reach.
pub(crate) struct Services {
    pub(crate) ground: Ground,
    backends: Backends,
}

impl Backends {
    /// Reads the variables `CETERIS__SECTION__KEY`; all faults are told at once.
    pub(crate) fn read(environment: impl IntoIterator<Item = (String, String)>) -> anyhow::Result<Backends> {
        let mut settings = Settings::gather(DEFAULTS, None, environment);
        let read = read(&mut settings);
        settings.finish().map_err(|error| bad_input(error.to_string()))?;
        read.context("a setting could not be read")
    }
}

fn read(settings: &mut Settings) -> Option<Backends> {
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

impl Services {
    /// Connects to everything a verb needs.
    pub(crate) async fn reach(
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> anyhow::Result<Services> {
        let backends = Backends::read(environment)?;
        let log = backends.kafka.open()?;
        backends
            .kafka
            .ensure_topics(&*log, &[USER_EVENTS, CAUSAL_DECISIONS])
            .await?;
        let ground = Ground {
            log,
            lake: backends.storage.lake(backends.buckets, Timestamp(0)).await?,
            features: backends.redis.features(backends.kafka.partitions)?,
            registry: backends.storage.registry(),
            store: backends.postgres.connect().await?,
            identity: backends.identity.clone(),
            api: backends.api.clone(),
        };
        Ok(Services { ground, backends })
    }

    /// Refuses a fleet that cannot be the simulated world of `seed`: one of real people, or with other problems or events.
    pub(crate) async fn expect_world(&self, seed: u64, problem: &Problem) -> anyhow::Result<()> {
        let probe = "somebody";
        if self.ground.identity.unit(probe) != world_identity(seed).unit(probe) {
            return Err(bad_input(format!(
                "CETERIS__IDENTITY__KEY is not that of the simulated world of --seed {seed}: `ceteris world --seed {seed}` prints its environment"
            )));
        }
        let ends = self
            .ground
            .log
            .end_offsets(USER_EVENTS)
            .await
            .context("read the log's ends")?;
        if ends.iter().any(|&end| end > 0) {
            return Err(bad_input(
                "user_events holds events already; a demo needs a new fleet",
            ));
        }
        let known = self.ground.registry.get_problem(&problem.name, None).await;
        known.context("read the problem")?.with_context(|| {
            format!(
                "problem {} is not registered: `ceteris provision --problem FILE` does it",
                problem.name
            )
        })?;
        Ok(())
    }

    /// Asks for a dataset as of `as_of`, and waits for it and for the model that the trainer makes of it.
    pub(crate) async fn learn(
        &self,
        problem: &Arc<Problem>,
        as_of: Timestamp,
        seed: u64,
        seconds: &mut Seconds,
    ) -> anyhow::Result<(Dataset, Trained)> {
        let datasets = self.backends.storage.datasets();
        let request = DatasetRequest {
            problem: problem.name.clone(),
            as_of,
            seed,
            reason: "demo".to_owned(),
        };
        let id = datasets.request(&request).await.context("ask for a dataset")?;
        let stage = Stage::start("etl", 0);
        let answered = until("the ETL's answer", async || {
            datasets.answered(&problem.name, &id).await
        })
        .await?;
        let digest = match answered.answer {
            Answer::Dataset(digest) => digest,
            Answer::Failed(why) => anyhow::bail!("the ETL made no dataset: {why}"),
        };
        seconds.etl = stage.done(&format!("dataset {}", &digest[..12.min(digest.len())]));
        let stage = Stage::start("train", 0);
        let training = until("the trainer", async || {
            datasets.training(&problem.name, &digest).await
        })
        .await?;
        let version = match training {
            Training::Trained {
                version,
                promoted: true,
                ..
            } => version,
            Training::Trained {
                version,
                failed_gates,
                ..
            } => {
                anyhow::bail!("{version} is not promoted: {}", failed_gates.join("; "))
            }
            Training::Failed { error } => anyhow::bail!("the trainer made no model: {error}"),
            Training::Superseded { superseded_by } => {
                anyhow::bail!("the dataset was passed over for {superseded_by}")
            }
        };
        seconds.train = stage.done(&version);
        let (manifest, arrays) = self
            .ground
            .registry
            .load(&version)
            .await
            .context("load the model")?;
        let dataset = datasets
            .read(&problem.name, &digest)
            .await
            .context("read the dataset")?;
        Ok((dataset, Trained { manifest, arrays }))
    }
}

/// Looks until there is an answer.
async fn until<T, E: std::error::Error + Send + Sync + 'static>(
    what: &str,
    look: impl AsyncFn() -> Result<Option<T>, E>,
) -> anyhow::Result<T> {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await.with_context(|| format!("look for {what}"))? {
            return Ok(found);
        }
        anyhow::ensure!(
            started.elapsed() < PATIENCE,
            "waited {} s for {what}",
            PATIENCE.as_secs()
        );
        tokio::time::sleep(LOOK).await;
    }
}
