//! The fleet's ports, reached past the proxies, as a judge needs them.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context;
use ceteris_backends::{kafka, postgres, redis, storage, world};
use ceteris_chassis::config::Settings;
use ceteris_contract::identity::IdentityKey;
use ceteris_contract::problem::Problem;
use ceteris_contract::time::Timestamp;
use ceteris_feature_store::RedisStore;
use ceteris_features::ViewSet;
use ceteris_house::fleet::DEFAULTS;
use ceteris_lake::{Datasets, Lake};
use ceteris_registry::Registry;
use ceteris_store::{DecisionStore, PostgresStore};
use ceteris_stream::EventLog;
use ceteris_testkit::fleet::Fleet;
use ceteris_testkit::servers::{DATABASE, Environment};

const PROBLEM: &str = include_str!("../../../../../deploy/problems/ecommerce.yaml");

#[derive(Clone)]
pub struct Reach {
    pub log: Arc<dyn EventLog>,
    pub lake: Lake,
    pub features: Arc<RedisStore>,
    pub registry: Registry,
    pub datasets: Datasets,
    pub store: Arc<PostgresStore>,
    pub identity: IdentityKey,
    pub problem: Arc<Problem>,
    pub views: Arc<ViewSet>,
}

impl Reach {
    pub async fn new(fleet: &Fleet) -> anyhow::Result<Reach> {
        let servers = &fleet.servers;
        let mut environment: Environment = fleet.environment().clone();
        environment.insert("CETERIS__STORAGE__ENDPOINT".to_owned(), servers.s3.endpoint());
        environment.insert("CETERIS__REDIS__URL".to_owned(), servers.redis.url());
        environment.insert(
            "CETERIS__POSTGRES__URL".to_owned(),
            servers.postgres.url(DATABASE),
        );
        let mut settings = Settings::gather(DEFAULTS, None, environment);
        let kafka = kafka::read(&mut settings).context("kafka")?;
        let storage = storage::read(&mut settings).context("storage")?;
        let buckets = storage::read_buckets(&mut settings).context("lake")?;
        let redis = redis::read(&mut settings).context("redis")?;
        let postgres = postgres::read(&mut settings).context("postgres")?;
        let problem = Problem::from_yaml(PROBLEM).expect("the shipped problem is good");
        Ok(Reach {
            log: kafka.open()?,
            lake: storage.lake(buckets, Timestamp(0)).await?,
            features: redis.features(kafka.partitions)?,
            registry: storage.registry(),
            datasets: storage.datasets(),
            store: postgres.connect().await?,
            identity: world::read_identity(&mut settings).context("identity")?,
            views: Arc::new(ViewSet::compile(&problem)?),
            problem: Arc::new(problem),
        })
    }

    /// Records of a topic that the lake does not hold yet.
    pub async fn behind_in_lake(&self, topic: &str) -> anyhow::Result<u64> {
        let ends = self.log.end_offsets(topic).await?;
        let offsets: BTreeMap<(String, u32), u64> = match topic {
            ceteris_contract::topics::USER_EVENTS => self.lake.events().offsets().await?,
            _ => self.lake.decisions().offsets().await?,
        };
        let at = |partition: usize| {
            let key = (topic.to_owned(), partition as u32);
            offsets.get(&key).copied().unwrap_or(0)
        };
        Ok(ends
            .iter()
            .enumerate()
            .map(|(partition, end)| end.saturating_sub(at(partition)))
            .sum())
    }

    /// Records of a topic that the store does not hold yet.
    pub async fn behind_in_store(&self, topic: &str) -> anyhow::Result<u64> {
        let mut behind = 0;
        for (partition, end) in self.log.end_offsets(topic).await?.into_iter().enumerate() {
            behind += end.saturating_sub(self.store.next_offset(topic, partition as u32).await?);
        }
        Ok(behind)
    }
}
