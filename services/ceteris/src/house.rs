//! One folder that holds the whole fleet's state on embedded backends.
//!
//! ```text
//! ceteris.json        how the folder was made: clock, partitions, buckets
//! secrets/identity    the key under which user ids are hashed
//! log/                the event log            features/   online features
//! lake/               events and decisions     registry/   artifacts, problems, aliases
//! datasets/           what models were trained on
//! spool/              answered decisions on their way to the log
//! decisions.sqlite    the decision store
//! ```

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use ceteris_chassis::clock::Clock;
use ceteris_contract::duration::Span;
use ceteris_contract::identity::IdentityKey;
use ceteris_contract::time::Timestamp;
use ceteris_contract::topics::{CAUSAL_DECISIONS, USER_EVENTS};
use ceteris_feature_store::{JournalStore, Owner};
use ceteris_lake::Lake;
use ceteris_registry::Registry;
use ceteris_store::SqliteStore;
use ceteris_stream::{EmbeddedLog, EventLog};
use serde::{Deserialize, Serialize};

/// Partitions of every topic, and of the feature store: a power of two.
const PARTITIONS: u16 = 8;
/// Buckets of the lake.
const BUCKETS: u16 = 8;
/// Features whose marker is older than this are not trusted.
const STALE_AFTER: Span = Span::minutes(5);

/// How a folder was made; written once, the clock's instant now and then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) layout: u32,
    /// The instant a simulated world has reached; none: the wall's time.
    pub(crate) world_clock: Option<Timestamp>,
    pub(crate) partitions: u16,
    pub(crate) buckets: u16,
}

/// What a new folder is made for; a folder that exists stays what it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum World {
    /// The wall's time and real people.
    Real,
    /// A simulated world from `start` on. Its people are invented, so their identity key follows from the seed: the
    /// same seed gives the same units, folds and digests wherever it runs.
    Simulated { start: Timestamp, seed: u64 },
}

/// Everything the services work with.
pub(crate) struct House {
    pub(crate) folder: PathBuf,
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) identity: IdentityKey,
    pub(crate) log: Arc<EmbeddedLog>,
    pub(crate) lake: Lake,
    pub(crate) features: Arc<JournalStore>,
    pub(crate) registry: Registry,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) owner: Owner,
}

impl House {
    /// Opens a folder, creating what is missing.
    pub(crate) async fn open(folder: &Path, world: World) -> anyhow::Result<House> {
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        let settings = settings(folder, world)?;
        let clock = settings.world_clock.map_or(Clock::Wall, Clock::events);
        let identity = identity(folder, world)?;
        let log_clock = clock.clone();
        let log = EmbeddedLog::open(folder.join("log"), Arc::new(move || log_clock.now().0))
            .with_context(|| format!("open the event log below {}", folder.display()))?;
        for topic in [USER_EVENTS, CAUSAL_DECISIONS] {
            log.create_topic(topic, u32::from(settings.partitions))
                .await
                .context("create topics")?;
        }
        let lake = Lake::open(folder.join("lake"), settings.buckets, clock.now())
            .await
            .context("open the lake")?;
        let options = ceteris_feature_store::Options {
            partitions: settings.partitions,
            stale_after: STALE_AFTER,
            ..ceteris_feature_store::Options::default()
        };
        let features =
            JournalStore::open(folder.join("features"), options).context("open the feature store")?;
        let registry = Registry::open(folder.join("registry")).context("open the registry")?;
        let store = SqliteStore::open(&folder.join("decisions.sqlite"))
            .await
            .context("open the decision store")?;
        let mut nonce = [0u8; 8];
        random(&mut nonce)?;
        Ok(House {
            folder: folder.to_path_buf(),
            settings,
            clock,
            identity,
            log: Arc::new(log),
            lake,
            features: Arc::new(features),
            registry,
            store: Arc::new(store),
            owner: Owner(u64::from_le_bytes(nonce)),
        })
    }

    /// Stores how far a simulated world has come, so that the folder goes on from there.
    pub(crate) fn keep_clock(&self) -> anyhow::Result<()> {
        if !self.clock.follows_events() {
            return Ok(());
        }
        let settings = Settings {
            world_clock: Some(self.clock.now()),
            ..self.settings.clone()
        };
        write_settings(&self.folder, &settings)
    }
}

fn settings(folder: &Path, world: World) -> anyhow::Result<Settings> {
    let path = folder.join("ceteris.json");
    match fs::read(&path) {
        Ok(bytes) => {
            let settings: Settings = serde_json::from_slice(&bytes)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            anyhow::ensure!(
                settings.layout == 1,
                "{} has layout {}, this program reads 1",
                path.display(),
                settings.layout
            );
            Ok(settings)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let world_clock = match world {
                World::Real => None,
                World::Simulated { start, .. } => Some(start),
            };
            let settings = Settings {
                layout: 1,
                world_clock,
                partitions: PARTITIONS,
                buckets: BUCKETS,
            };
            write_settings(folder, &settings)?;
            Ok(settings)
        }
        Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
    }
}

fn write_settings(folder: &Path, settings: &Settings) -> anyhow::Result<()> {
    let text = serde_json::to_vec_pretty(settings)?;
    replace(&folder.join("ceteris.json"), &text)
}

/// Reads the folder's identity key, made at first start and readable by its owner only.
fn identity(folder: &Path, world: World) -> anyhow::Result<IdentityKey> {
    let path = folder.join("secrets").join("identity");
    match fs::read(&path) {
        Ok(bytes) => {
            let secret = <[u8; 32]>::try_from(bytes.as_slice())
                .map_err(|_| anyhow::anyhow!("{} does not hold 32 bytes", path.display()))?;
            Ok(IdentityKey::new(secret))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let secret = match world {
                World::Real => {
                    let mut secret = [0u8; 32];
                    random(&mut secret)?;
                    secret
                }
                World::Simulated { seed, .. } => IdentityKey::new([0; 32]).mac(&seed.to_le_bytes()),
            };
            fs::create_dir_all(folder.join("secrets")).context("create the folder of secrets")?;
            replace(&path, &secret)?;
            Ok(IdentityKey::new(secret))
        }
        Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
    }
}

/// Replaces a file in one step, so that a kill leaves the old content or the new. Readable by its owner only.
fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let draft = path.with_extension("draft");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options
        .open(&draft)
        .with_context(|| format!("write {}", draft.display()))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .with_context(|| format!("write {}", draft.display()))?;
    fs::rename(&draft, path).with_context(|| format!("write {}", path.display()))
}

/// Secret bytes from the operating system.
fn random(bytes: &mut [u8]) -> anyhow::Result<()> {
    use std::io::Read;
    fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(bytes))
        .context("read /dev/urandom")
}
