//! The whole set of servers that a fleet stands on, and the environment variables by which services find it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;

use crate::kafka::Kafka;
use crate::postgres::Postgres;
use crate::proxy::Proxy;
use crate::redis::{self, Redis};
use crate::s3::S3;

/// The bucket of lake, datasets and registry.
pub const BUCKET: &str = "ceteris";
/// The database of decisions.
pub const DATABASE: &str = "ceteris";

/// Variables by name.
pub type Environment = BTreeMap<String, String>;

/// Apache Kafka, Redis, PostgreSQL and S3, with an empty bucket and an empty database.
#[derive(Debug)]
pub struct Servers {
    /// The event log.
    pub kafka: Kafka,
    /// Online features, cached effects.
    pub redis: Redis,
    /// The decision store.
    pub postgres: Postgres,
    /// The lake, datasets and the registry.
    pub s3: S3,
    proxies: Option<Proxies>,
}

/// The proxies between services and servers, with which a test makes outages.
#[derive(Debug)]
pub struct Proxies {
    /// In front of Redis.
    pub redis: Proxy,
    /// In front of PostgreSQL.
    pub postgres: Proxy,
    /// In front of S3.
    pub s3: Proxy,
}

impl Servers {
    /// Starts all of them below `folder`, side by side.
    ///
    /// # Errors
    /// One sentence on the first server that is missing or does not start.
    pub async fn start(folder: &Path) -> anyhow::Result<Servers> {
        let place = |name: &str| -> anyhow::Result<std::path::PathBuf> {
            let place = folder.join(name);
            std::fs::create_dir_all(&place).with_context(|| format!("create {}", place.display()))?;
            Ok(place)
        };
        let (at_kafka, at_redis) = (place("kafka")?, place("redis")?);
        let (at_postgres, at_s3) = (place("postgres")?, place("s3")?);
        let (kafka, redis, postgres, s3) = tokio::try_join!(
            Kafka::start(&at_kafka),
            Redis::start(&at_redis),
            Postgres::start(&at_postgres),
            S3::start(&at_s3),
        )?;
        tokio::try_join!(s3.create_bucket(BUCKET), postgres.create_database(DATABASE))?;
        Ok(Servers {
            kafka,
            redis,
            postgres,
            s3,
            proxies: None,
        })
    }

    /// As [`start`](Self::start), with proxies before Redis, PostgreSQL and S3. (Kafka tells its clients its own
    /// address; it is killed or paused instead.)
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_behind_proxies(folder: &Path) -> anyhow::Result<Servers> {
        let mut servers = Servers::start(folder).await?;
        servers.proxies = Some(Proxies {
            redis: Proxy::start(servers.redis.address()).await?,
            postgres: Proxy::start(servers.postgres.address()).await?,
            s3: Proxy::start(servers.s3.address()).await?,
        });
        Ok(servers)
    }

    /// The proxies, where there are some.
    pub fn proxies(&self) -> Option<&Proxies> {
        self.proxies.as_ref()
    }

    /// The variables by which every service finds these servers.
    pub fn environment(&self) -> Environment {
        let at = |direct, proxy: fn(&Proxies) -> &Proxy| {
            self.proxies
                .as_ref()
                .map_or(direct, |proxies| proxy(proxies).address())
        };
        let postgres = at(self.postgres.address(), |proxies| &proxies.postgres);
        let redis = at(self.redis.address(), |proxies| &proxies.redis);
        let s3 = at(self.s3.address(), |proxies| &proxies.s3);
        let pairs = [
            ("KAFKA__BOOTSTRAP_SERVERS", self.kafka.bootstrap()),
            ("REDIS__URL", redis::url(redis)),
            ("POSTGRES__URL", Postgres::url_at(postgres, DATABASE)),
            ("STORAGE__URL", format!("s3://{BUCKET}")),
            ("STORAGE__ENDPOINT", format!("http://{s3}")),
            ("STORAGE__REGION", S3::REGION.to_owned()),
            ("STORAGE__ACCESS_KEY_ID", S3::ACCESS_KEY_ID.to_owned()),
            ("STORAGE__SECRET_ACCESS_KEY", S3::SECRET_ACCESS_KEY.to_owned()),
            ("STORAGE__ALLOW_HTTP", "true".to_owned()),
        ];
        pairs
            .into_iter()
            .map(|(name, value)| (format!("CETERIS__{name}"), value))
            .collect()
    }
}
