//! One folder that holds the state of all services, with its embedded backends opened. The README says what lies where.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use ceteris_chassis::clock::Clock;
use ceteris_chassis::entropy;
use ceteris_contract::duration::Span;
use ceteris_contract::identity::{IdentityKey, hex};
use ceteris_contract::problem::Problem;
use ceteris_contract::time::Timestamp;
use ceteris_contract::topics::{CAUSAL_DECISIONS, USER_EVENTS};
use ceteris_feature_store::{JournalStore, Owner};
use ceteris_lake::Lake;
use ceteris_registry::Registry;
use ceteris_store::SqliteStore;
use ceteris_stream::{EmbeddedLog, EventLog};
use ceteris_terminal::bad_input;
use serde::{Deserialize, Serialize};

use crate::ports::Ports;

/// Layout of the folder that this program reads and writes.
const LAYOUT: u32 = 1;
/// Partitions of every topic, and of the feature store: a power of two.
const PARTITIONS: u16 = 8;
/// Buckets of the lake.
const BUCKETS: u16 = 8;
/// Features whose marker is older than this are not trusted.
const STALE_AFTER: Span = Span::minutes(5);

/// How a folder was made; written once, the clock's instant now and then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    layout: u32,
    /// The instant a simulated world has reached; none: the wall's time.
    pub world_clock: Option<Timestamp>,
    /// Partitions of every topic, and of the feature store.
    pub partitions: u16,
    /// Buckets of the lake.
    pub buckets: u16,
    /// Tells the identity key without giving it away: another key would make strangers of every unit.
    identity_fingerprint: String,
}

/// Whose events a new folder is made for; a folder that exists stays what it is.
#[derive(Clone, Copy, Debug)]
pub enum Origin {
    /// Real people, by the wall's time.
    Real,
    /// A simulated world.
    Simulated {
        /// The instant at which it begins.
        start: Timestamp,
        /// What its people and their identity key follow from.
        seed: u64,
    },
}

/// Everything that services in one process work with.
pub struct DataFolder {
    /// Where it lies.
    pub path: PathBuf,
    /// How it was made.
    pub settings: Settings,
    /// The time of its services.
    pub clock: Clock,
    /// The key under which user ids are hashed.
    pub identity: IdentityKey,
    /// Events and decisions on their way.
    pub log: Arc<EmbeddedLog>,
    /// Events and decisions at rest.
    pub lake: Lake,
    /// Online features.
    pub features: Arc<JournalStore>,
    /// Artifacts, problems and aliases.
    pub registry: Registry,
    /// Decisions that arrived.
    pub store: Arc<SqliteStore>,
    /// Who writes features: this opening of the folder, and no other.
    pub owner: Owner,
}

impl DataFolder {
    /// Opens a folder, creating what is missing.
    ///
    /// # Errors
    /// A folder that cannot be written to, or that lost what cannot be made again, is the caller's bad input.
    pub async fn open(folder: &Path, origin: Origin) -> anyhow::Result<DataFolder> {
        fs::create_dir_all(folder).map_err(|error| {
            bad_input(format!(
                "{}: {error}; name a folder that you may write to",
                folder.display()
            ))
        })?;
        let (settings, identity) = match read_settings(folder)? {
            Some(settings) => {
                let identity = kept_identity(folder, &settings)?;
                (settings, identity)
            }
            None => create(folder, origin)?,
        };
        let clock = settings.world_clock.map_or(Clock::Wall, Clock::events);
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
        let features = features(&folder.join("features"), options)?;
        let registry = Registry::open(folder.join("registry")).context("open the registry")?;
        let store = SqliteStore::open(&folder.join("decisions.sqlite"))
            .await
            .context("open the decision store")?;
        Ok(DataFolder {
            path: folder.to_path_buf(),
            settings,
            clock,
            identity,
            log: Arc::new(log),
            lake,
            features: Arc::new(features),
            registry,
            store: Arc::new(store),
            owner: Owner(entropy::nonce().context("draw an owner's nonce")?),
        })
    }

    /// Stores how far a simulated world has come, so that the folder goes on from there.
    ///
    /// # Errors
    /// Where `ceteris.json` cannot be written.
    pub fn keep_clock(&self) -> anyhow::Result<()> {
        if !self.clock.follows_events() {
            return Ok(());
        }
        let settings = Settings {
            world_clock: Some(self.clock.now()),
            ..self.settings.clone()
        };
        write_settings(&self.path, &settings)
    }

    /// The newest version of every problem in the folder's registry.
    ///
    /// # Errors
    /// Where the registry cannot be read, or holds a problem that this program does not understand.
    pub async fn problems(&self) -> anyhow::Result<Vec<Arc<Problem>>> {
        let mut problems = Vec::new();
        for name in self.registry.problems().await.context("list problems")? {
            let source = self.registry.get_problem(&name, None).await;
            let Some(source) = source.context("read a problem")? else {
                continue;
            };
            let problem = Problem::from_yaml(&source.yaml).map_err(|faults| {
                let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
                anyhow::anyhow!(
                    "problem {name} in the registry cannot be read: {}",
                    faults.join("; ")
                )
            })?;
            problems.push(Arc::new(problem));
        }
        Ok(problems)
    }

    /// What a program reaches of the services on this folder, whose decision API answers at `api`.
    pub fn ports(&self, api: String) -> Ports {
        Ports {
            log: self.log.clone(),
            lake: self.lake.clone(),
            features: self.features.clone(),
            registry: self.registry.clone(),
            store: self.store.clone(),
            identity: self.identity.clone(),
            api,
        }
    }
}

/// Parts that only exist once `ceteris.json` does.
const PARTS: [&str; 5] = ["log", "lake", "features", "registry", "decisions.sqlite"];

/// How the folder was made; `None` for a new one.
fn read_settings(folder: &Path) -> anyhow::Result<Option<Settings>> {
    let path = folder.join("ceteris.json");
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if let Some(part) = PARTS.iter().find(|part| folder.join(part).exists()) {
                return Err(bad_input(format!(
                    "{} is missing, but {part} is there: restore the file from a backup, or name a new folder",
                    path.display()
                )));
            }
            return Ok(None);
        }
        Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
    };
    let settings: Settings = serde_json::from_slice(&bytes).map_err(|error| {
        bad_input(format!(
            "{} cannot be read ({error}): restore the file from a backup",
            path.display()
        ))
    })?;
    if settings.layout != LAYOUT {
        let layout = settings.layout;
        return Err(bad_input(format!(
            "{} has layout {layout}, this program reads {LAYOUT}",
            path.display()
        )));
    }
    Ok(Some(settings))
}

/// Makes a new folder's identity, then its settings: a kill between the two leaves a folder that is still new.
fn create(folder: &Path, origin: Origin) -> anyhow::Result<(Settings, IdentityKey)> {
    let (world_clock, secret) = match origin {
        Origin::Real => {
            let mut secret = [0u8; 32];
            entropy::fill(&mut secret).context("draw an identity key")?;
            (None, secret)
        }
        Origin::Simulated { start, seed } => (Some(start), simulated_secret(seed)),
    };
    fs::create_dir_all(folder.join("secrets")).context("create the folder of secrets")?;
    replace(&identity_path(folder), &secret)?;
    let identity = IdentityKey::new(secret);
    let settings = Settings {
        layout: LAYOUT,
        world_clock,
        partitions: PARTITIONS,
        buckets: BUCKETS,
        identity_fingerprint: fingerprint(&identity),
    };
    write_settings(folder, &settings)?;
    Ok((settings, identity))
}

/// The identity key of a simulated world: its people are invented, so their key follows from the seed, and the same seed
/// gives the same units, folds and digests wherever it runs.
pub fn simulated_secret(seed: u64) -> [u8; 32] {
    IdentityKey::new([0; 32]).mac(&seed.to_le_bytes())
}

fn write_settings(folder: &Path, settings: &Settings) -> anyhow::Result<()> {
    let text = serde_json::to_vec_pretty(settings)?;
    replace(&folder.join("ceteris.json"), &text)
}

fn identity_path(folder: &Path) -> PathBuf {
    folder.join("secrets").join("identity")
}

fn fingerprint(identity: &IdentityKey) -> String {
    hex(&identity.mac(b"ceteris identity fingerprint")[..8])
}

/// The key that the folder's units were named by; any other is refused.
fn kept_identity(folder: &Path, settings: &Settings) -> anyhow::Result<IdentityKey> {
    let path = identity_path(folder);
    let bytes = fs::read(&path).map_err(|error| {
        bad_input(format!(
            "{}: {error}; without this key no unit is known again: restore it",
            path.display()
        ))
    })?;
    let secret = <[u8; 32]>::try_from(bytes.as_slice());
    let identity = secret
        .ok()
        .map(IdentityKey::new)
        .filter(|key| fingerprint(key) == settings.identity_fingerprint);
    identity.ok_or_else(|| {
        bad_input(format!(
            "{} is not the key this folder was made with: restore it",
            path.display()
        ))
    })
}

/// Opens the online features. They follow from the log, so a damaged folder is set aside and made again.
fn features(folder: &Path, options: ceteris_feature_store::Options) -> anyhow::Result<JournalStore> {
    let error = match JournalStore::open(folder, options) {
        Ok(store) => return Ok(store),
        Err(error) => anyhow::Error::new(error).context("open the feature store"),
    };
    let mut aside = (0..).map(|n: u32| folder.with_extension(format!("damaged-{n}")));
    let Some(aside) = aside.find(|path| !path.exists()) else {
        return Err(error);
    };
    if fs::rename(folder, &aside).is_err() {
        return Err(error);
    }
    let aside = aside.display().to_string();
    tracing::warn!(
        error = format!("{error:#}"),
        aside,
        "online features are made again from the log"
    );
    JournalStore::open(folder, options).context("open the feature store")
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
