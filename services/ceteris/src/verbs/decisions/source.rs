//! Where decisions are read from: the folder of a fleet in one process, or the database and the lake of separate services.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use ceteris_contract::record::DecisionRecord;
use ceteris_house::waiting;
use ceteris_lake::Lake;
use ceteris_registry::Registry;
use ceteris_store::{DecisionStore, SqliteStore};
use ceteris_terminal::bad_input;

use crate::cli::Decisions;

/// What an export is made of.
pub(super) struct Source {
    /// The decisions.
    pub(super) store: Arc<dyn DecisionStore>,
    /// Those on their way into it; what is stored meanwhile is in both, and counts once.
    pub(super) waiting: Vec<DecisionRecord>,
    /// What happened after them; none where it cannot be told.
    pub(super) history: Option<History>,
    /// The store again, to be folded into one file.
    file: Option<SqliteStore>,
}

/// Events, and the problems that say which of them are outcomes.
pub(super) struct History {
    pub(super) lake: Lake,
    pub(super) registry: Registry,
}

impl Source {
    /// Opens what the command line names.
    pub(super) async fn open(args: &Decisions) -> anyhow::Result<Source> {
        match (&args.data_dir, &args.store) {
            (Some(folder), None) => Source::of_folder(folder).await,
            (None, Some(url)) => Ok(Source {
                store: database(url).await?,
                waiting: Vec::new(),
                history: match &args.lake {
                    Some(url) => Some(history(url).await?),
                    None => None,
                },
                file: None,
            }),
            _ => Err(bad_input("give either --data-dir or --store")),
        }
    }

    async fn of_folder(folder: &Path) -> anyhow::Result<Source> {
        let database = folder.join("decisions.sqlite");
        if !database.is_file() {
            return Err(bad_input(format!(
                "{} does not exist; --data-dir names the folder of a fleet",
                database.display()
            )));
        }
        let file = SqliteStore::open(&database)
            .await
            .context("open the decision store")?;
        // These before the stored ones are read.
        let waiting = waiting(folder, &file).await?;
        let history = match folder.join("lake").is_dir() {
            true => Some(History {
                lake: Lake::load(folder.join("lake")).await.context("open the lake")?,
                registry: Registry::open(folder.join("registry")).context("open the registry")?,
            }),
            false => None,
        };
        Ok(Source {
            store: Arc::new(file.clone()),
            waiting,
            history,
            file: Some(file),
        })
    }

    /// Takes leave of the store.
    pub(super) async fn close(self) {
        if let Some(file) = self.file {
            file.close().await;
        }
    }
}

#[cfg(feature = "postgres")]
async fn database(url: &str) -> anyhow::Result<Arc<dyn DecisionStore>> {
    use ceteris_store::{PostgresOptions, PostgresStore, StoreError};

    match PostgresStore::connect(url, PostgresOptions::default()).await {
        Ok(store) => Ok(Arc::new(store)),
        Err(error @ StoreError::BadUrl { .. }) => Err(bad_input(format!("--store: {error}"))),
        Err(error) => Err(error).context("open the decision store"),
    }
}

#[cfg(not(feature = "postgres"))]
async fn database(_: &str) -> anyhow::Result<Arc<dyn DecisionStore>> {
    Err(bad_input(
        "--store: this build has no PostgreSQL; build with `--features fleet`, or give --data-dir",
    ))
}

#[cfg(feature = "fleet")]
async fn history(url: &str) -> anyhow::Result<History> {
    let (lake, registry) = ceteris_house::fleet::history(url, std::env::vars()).await?;
    Ok(History { lake, registry })
}

#[cfg(not(feature = "fleet"))]
async fn history(_: &str) -> anyhow::Result<History> {
    Err(bad_input(
        "--lake: this build reads no lake but a folder's; build with `--features fleet`, or leave it out",
    ))
}
