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
use ceteris_chassis::entropy;
use ceteris_contract::duration::Span;
use ceteris_contract::identity::{IdentityKey, hex};
use ceteris_contract::time::Timestamp;
use ceteris_contract::topics::{CAUSAL_DECISIONS, USER_EVENTS};
use ceteris_feature_store::{JournalStore, Owner};
use ceteris_lake::Lake;
use ceteris_registry::Registry;
use ceteris_store::SqliteStore;
use ceteris_stream::{EmbeddedLog, EventLog};
use serde::{Deserialize, Serialize};

use crate::output::bad_input;

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
pub(crate) struct Settings {
    pub(crate) layout: u32,
    /// The instant a simulated world has reached; none: the wall's time.
    pub(crate) world_clock: Option<Timestamp>,
    pub(crate) partitions: u16,
    pub(crate) buckets: u16,
    /// Tells the identity key without giving it away: another key would make strangers of every unit.
    pub(crate) identity_fingerprint: String,
}

/// What a new folder is made for; a folder that exists stays what it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum World {
    /// The wall's time and real people.
    Real,
    /// A simulated world from `start` on.
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
            None => found(folder, world)?,
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
            owner: Owner(entropy::nonce().context("draw an owner's nonce")?),
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

/// Rooms that only exist once `ceteris.json` does.
const ROOMS: [&str; 5] = ["log", "lake", "features", "registry", "decisions.sqlite"];

/// How the folder was made; `None` for a new one.
fn read_settings(folder: &Path) -> anyhow::Result<Option<Settings>> {
    let path = folder.join("ceteris.json");
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if let Some(room) = ROOMS.iter().find(|room| folder.join(room).exists()) {
                return Err(bad_input(format!(
                    "{} is missing, but {room} is there: restore the file from a backup, or name a new folder",
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
fn found(folder: &Path, world: World) -> anyhow::Result<(Settings, IdentityKey)> {
    let (world_clock, secret) = match world {
        World::Real => {
            let mut secret = [0u8; 32];
            entropy::fill(&mut secret).context("draw an identity key")?;
            (None, secret)
        }
        World::Simulated { start, seed } => (Some(start), world_secret(seed)),
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
pub(crate) fn world_secret(seed: u64) -> [u8; 32] {
    IdentityKey::new([0; 32]).mac(&seed.to_le_bytes())
}

/// The same as a key.
#[cfg(feature = "fleet")]
pub(crate) fn world_identity(seed: u64) -> IdentityKey {
    IdentityKey::new(world_secret(seed))
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
