//! The simulated shop's events in a log and a lake, and the workers that make models of them.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ceteris_chassis::Shutdown;
use ceteris_chassis::clock::Clock;
use ceteris_chassis::object_storage::ObjectStorage;
use ceteris_chassis::worklist::Pace;
use ceteris_contract::duration::Span;
use ceteris_contract::event::StoredEvent;
use ceteris_contract::identity::IdentityKey;
use ceteris_contract::problem::Problem;
use ceteris_contract::time::Timestamp;
use ceteris_contract::topics::{CAUSAL_DECISIONS, USER_EVENTS};
use ceteris_etl::{Made, Request, Watermarks, Workers};
use ceteris_lake::{Datasets, EventRow, Lake, LogPosition, Offsets};
use ceteris_registry::Registry;
use ceteris_stream::{EmbeddedLog, EventLog, NewRecord};
use ceteris_synth::ecommerce::{START, World, WorldConfig, user_id};
use ceteris_testkit::s3::S3;
use ceteris_trainer::{TrainOptions, Trained};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tempfile::TempDir;
use tokio::sync::OnceCell;

const YAML: &str = include_str!("../../../../../deploy/problems/ecommerce.yaml");
const PARTITIONS: u32 = 4;
const BUCKETS: u16 = 4;

/// One shop for all tests.
pub fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let config = WorldConfig {
            seed: 5,
            users: 500,
            days: 70,
        };
        World::new(config).unwrap()
    })
}

/// A root in an object store.
#[derive(Clone)]
pub struct Place {
    pub store: Arc<dyn ObjectStore>,
    pub prefix: Path,
    _folder: Option<Arc<TempDir>>,
}

impl Place {
    pub fn folder() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let (store, prefix) = ObjectStorage::at(folder.path().display().to_string())
            .open()
            .unwrap();
        Place {
            store,
            prefix,
            _folder: Some(Arc::new(folder)),
        }
    }

    pub async fn s3() -> Place {
        static SERVER: OnceCell<S3> = OnceCell::const_new();
        let started = SERVER.get_or_try_init(|| async {
            let folder = format!(
                "{}/handover-s3-{}",
                env!("CARGO_TARGET_TMPDIR"),
                std::process::id()
            );
            let server = S3::start(folder.as_ref()).await?;
            server.create_bucket("ceteris").await?;
            anyhow::Ok(server)
        });
        let mut storage = ObjectStorage::at("s3://ceteris/fleet");
        storage.endpoint = Some(started.await.unwrap().endpoint());
        storage.access_key_id = Some(S3::ACCESS_KEY_ID.into());
        storage.secret_access_key = Some(S3::SECRET_ACCESS_KEY.into());
        storage.allow_http = true;
        let (store, prefix) = storage.open().unwrap();
        Place {
            store,
            prefix,
            _folder: None,
        }
    }

    /// Another root in the same store.
    pub fn beside(&self, name: &str) -> Place {
        Place {
            prefix: self.prefix.clone().join(name),
            ..self.clone()
        }
    }

    pub async fn write(&self, relative: &str, text: &str) {
        let path = relative
            .split('/')
            .fold(self.prefix.clone(), |path, part| path.join(part));
        self.store.put(&path, text.to_owned().into()).await.unwrap();
    }
}

/// A log, a lake, and where requests, datasets and models lie.
#[derive(Clone)]
pub struct Shop {
    log: Arc<EmbeddedLog>,
    lake: Lake,
    pub registry: Registry,
    pub datasets: Datasets,
    metrics: prometheus::Registry,
    /// By partition, what the log holds.
    rows: Arc<BTreeMap<u32, Vec<EventRow>>>,
    _folder: Arc<TempDir>,
}

impl Shop {
    /// Every event is in the log, none in the lake.
    pub async fn open(place: &Place) -> Shop {
        let folder = tempfile::tempdir().unwrap();
        let log = EmbeddedLog::open(folder.path(), Arc::new(|| world().end().0)).unwrap();
        log.create_topic(USER_EVENTS, PARTITIONS).await.unwrap();
        log.create_topic(CAUSAL_DECISIONS, PARTITIONS).await.unwrap();
        let identity = IdentityKey::new([9; 32]);
        let mut rows: BTreeMap<u32, Vec<EventRow>> = BTreeMap::new();
        for batch in world().batches(Span::days(7)) {
            let record = |event: &ceteris_synth::ecommerce::Event| {
                NewRecord::keyed(user_id(event.user), event.payload()).at(event.at.0)
            };
            let records = batch.events.iter().map(record).collect();
            let places = log.produce(USER_EVENTS, records).await.unwrap();
            for (event, (partition, offset)) in batch.events.iter().zip(places) {
                let told = event.user_event();
                let event = StoredEvent {
                    event_id: told.event_id,
                    unit: identity.unit(&told.user_id),
                    event_type: told.event_type,
                    ts: told.timestamp,
                    arrived_at: event.at,
                    session_id: told.session_id,
                    properties: told.properties,
                };
                let position = LogPosition {
                    topic: USER_EVENTS.into(),
                    partition,
                    offset,
                };
                rows.entry(partition).or_default().push(EventRow {
                    event,
                    log: Some(position),
                });
            }
        }
        let registry = Registry::over(place.store.clone(), place.prefix.clone().join("registry"));
        registry.put_problem("ecommerce", YAML, START).await.unwrap();
        let lake = place.prefix.clone().join("lake");
        Shop {
            log: Arc::new(log),
            lake: Lake::over(place.store.clone(), lake, BUCKETS, START)
                .await
                .unwrap(),
            registry,
            datasets: Datasets::over(place.store.clone(), place.prefix.clone().join("datasets")),
            metrics: prometheus::Registry::new(),
            rows: Arc::new(rows),
            _folder: Arc::new(folder),
        }
    }

    /// The same log and lake; requests, datasets and models lie elsewhere.
    pub async fn with_outbox(&self, place: &Place) -> Shop {
        let shop = self.with_outbox_store(place.store.clone(), &place.prefix);
        shop.registry.put_problem("ecommerce", YAML, START).await.unwrap();
        shop
    }

    pub fn with_outbox_store(&self, store: Arc<dyn ObjectStore>, prefix: &Path) -> Shop {
        Shop {
            registry: Registry::over(store.clone(), prefix.clone().join("registry")),
            datasets: Datasets::over(store, prefix.clone().join("datasets")),
            // Workers of another shop register theirs beside these.
            metrics: prometheus::Registry::new(),
            ..self.clone()
        }
    }

    pub async fn land_all(&self) {
        self.land(0..PARTITIONS).await;
    }

    pub async fn land_all_but_one_partition(&self) {
        self.land(1..PARTITIONS).await;
    }

    pub async fn land_the_rest(&self) {
        self.land(0..1).await;
    }

    async fn land(&self, partitions: std::ops::Range<u32>) {
        for partition in partitions {
            let rows = self.rows[&partition].clone();
            let next = Offsets::from([((USER_EVENTS.to_owned(), partition), rows.len() as u64)]);
            self.lake
                .events()
                .append(rows, &next, &Offsets::new(), START)
                .await
                .unwrap();
        }
    }

    /// What the all-in-one binary does: the ETL, then the trainer, without any hand-over.
    pub async fn direct(&self, as_of: Timestamp, seed: u64) -> (Made, Trained) {
        let problem = Problem::from_yaml(YAML).unwrap();
        let pool = Arc::new(rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap());
        let workers = Workers {
            pool: &pool,
            work_dir: None,
            progress: &|_| {},
        };
        let request = Request {
            as_of,
            watermarks: Watermarks::All(as_of),
            seed,
            lake_version: None,
        };
        let made = ceteris_etl::run(&self.lake, &problem, &request, &workers)
            .await
            .unwrap();
        let options = TrainOptions {
            seed,
            folds: 5,
            now: as_of,
            as_of: Some(as_of),
            lake_versions: made.plan.lake_versions.clone(),
        };
        let watch = |_| std::ops::ControlFlow::Continue(());
        let model = ceteris_trainer::train(&problem, &made.dataset, &options, &watch).unwrap();
        (made, model)
    }

    /// Starts so many ETL workers and trainers; they end with the shutdown, or with the test.
    pub fn staff(&self, of_each: usize) -> Shutdown {
        let shutdown = Shutdown::new();
        for worker in 0..of_each {
            // The first one's metrics are looked at.
            let metrics = match worker {
                0 => self.metrics.clone(),
                _ => prometheus::Registry::new(),
            };
            let etl = ceteris_etl::Deps {
                lake: self.lake.clone(),
                datasets: self.datasets.clone(),
                registry: self.registry.clone(),
                log: self.log.clone(),
                clock: Clock::Wall,
                metrics: metrics.clone(),
            };
            let trainer = ceteris_trainer::Deps {
                datasets: self.datasets.clone(),
                registry: self.registry.clone(),
                clock: Clock::Wall,
                metrics,
            };
            let pace = Pace {
                poll_interval: Duration::from_millis(20),
                ..Pace::default()
            };
            let etl_config = ceteris_etl::Config {
                pace: pace.clone(),
                ..ceteris_etl::Config::default()
            };
            let trainer_config = ceteris_trainer::Config {
                pace,
                ..ceteris_trainer::Config::default()
            };
            let (first, second) = (shutdown.clone(), shutdown.clone());
            tokio::spawn(async move { ceteris_etl::serve(etl_config, etl, first).await.unwrap() });
            tokio::spawn(async move {
                ceteris_trainer::serve(trainer_config, trainer, second)
                    .await
                    .unwrap()
            });
        }
        shutdown
    }

    /// The value of a gauge of the first worker; 0 where there is none.
    pub fn metric(&self, name: &str) -> f64 {
        let families = self.metrics.gather();
        let family = families.iter().find(|family| family.name() == name);
        family.map_or(0.0, |family| family.get_metric()[0].get_gauge().get_value())
    }
}
