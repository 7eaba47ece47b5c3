#![doc = include_str!("../README.md")]

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod error;
mod logged;
mod port;
#[cfg(feature = "postgres")]
mod postgres;
mod sqlite;

pub use ceteris_contract::disposition::{Disposition, HasDisposition};
pub use error::StoreError;
pub use logged::{Logged, NotLogged};
pub use port::{Appended, Batch, DecisionStore};
#[cfg(feature = "postgres")]
pub use postgres::{
    Migrated, MigrationState, PostgresOptions, PostgresStore, is_postgres_url, migrate, migrations,
};
pub use sqlite::SqliteStore;
