//! `[postgres]`: the decision store.

use std::sync::Arc;

use anyhow::Context;
use ceteris_chassis::config::Settings;
use ceteris_store::{PostgresOptions, PostgresStore};
use secrecy::{ExposeSecret, SecretString};

/// Where the database is; the URL may hold a password.
#[derive(Clone, Debug)]
pub struct Postgres {
    /// `postgres://user:password@host/database?sslmode=verify-full`.
    pub url: SecretString,
}

/// Reads the section. `None` means that a fault has been noted.
pub fn read(settings: &mut Settings) -> Option<Postgres> {
    let url = settings.required_secret("postgres.url")?;
    if !ceteris_store::is_postgres_url(url.expose_secret()) {
        settings.fault("postgres.url", "give postgres://user:password@host/database");
    }
    Some(Postgres { url })
}

impl Postgres {
    /// Connects, and checks that the schema is there.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn connect(&self) -> anyhow::Result<Arc<PostgresStore>> {
        let store = PostgresStore::connect(self.url.expose_secret(), PostgresOptions::default()).await;
        Ok(Arc::new(store.context("connect to PostgreSQL")?))
    }
}
