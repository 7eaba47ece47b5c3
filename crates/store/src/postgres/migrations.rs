//! The schema: migrations that are part of this build, what of them a database has, and the run that adds the rest.

use std::borrow::Cow;

use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType};
use sqlx::{ConnectOptions, Connection, PgConnection, SqlSafeStr};

use crate::error::StoreError;
use crate::postgres::fault::{disposition, failed};
use crate::postgres::{parse, place};

/// Where a database keeps which migrations it has; a name of our own beside other applications' tables.
const TABLE: &str = "ceteris_migrations";
const ENCODING: &str = "UTF8";

macro_rules! migration {
    ($version:literal, $name:literal) => {
        (
            $version,
            $name,
            include_str!(concat!("../../../../migrations/postgres/", $name, ".sql")),
        )
    };
}

const MIGRATIONS: [(i64, &str, &str); 6] = [
    migration!(1, "0001_causal_decisions"),
    migration!(2, "0002_sink_offsets"),
    migration!(3, "0003_idempotent_decisions"),
    migration!(4, "0004_record_compression"),
    migration!(5, "0005_timescaledb"),
    migration!(6, "0006_policies"),
];

/// What a database has of this build's migrations, and what it lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationState {
    /// Those it has.
    pub applied: Vec<String>,
    /// Those it lacks.
    pub pending: Vec<String>,
}

/// What a run did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// Migrations applied by this run, in order.
    pub applied: Vec<String>,
    /// Those that were there before.
    pub present: Vec<String>,
    /// The version of TimescaleDB in use; none on plain PostgreSQL.
    pub timescaledb: Option<String>,
}

/// What the database at `url` has and lacks; changes nothing.
///
/// # Errors
/// [`StoreError::BadUrl`], [`StoreError::Open`], [`StoreError::Query`].
pub async fn migrations(url: &str) -> Result<MigrationState, StoreError> {
    let (mut connection, place) = open(url).await?;
    let state = state(&mut connection, &place).await?;
    close(connection, &place).await?;
    Ok(state)
}

/// Brings the schema of the database at `url` up to date, each migration in a transaction of its own. Of two runs at
/// once the second waits and finds nothing left to do.
///
/// # Errors
/// Besides those of [`migrations`]: [`StoreError::Migrate`] where a migration fails or is not the one that was applied;
/// [`StoreError::Encoding`].
pub async fn migrate(url: &str) -> Result<Migrated, StoreError> {
    let (mut connection, place) = open(url).await?;
    let encoding: String = sqlx::query_scalar("show server_encoding")
        .fetch_one(&mut connection)
        .await
        .map_err(failed(&place, "ask for the encoding of"))?;
    if encoding != ENCODING {
        return Err(StoreError::Encoding { place, encoding });
    }
    let migrate = |source: MigrateError| StoreError::Migrate {
        place: place.clone(),
        source: Box::new(source),
    };
    // An error leaves the lock to the connection's end.
    connection.lock().await.map_err(migrate)?;
    connection.ensure_migrations_table(TABLE).await.map_err(migrate)?;
    let known = connection.list_applied_migrations(TABLE).await.map_err(migrate)?;
    let mut done = Migrated {
        applied: Vec::new(),
        present: Vec::new(),
        timescaledb: None,
    };
    for (version, name, sql) in MIGRATIONS {
        let migration = Migration::new(
            version,
            Cow::Borrowed(name),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        );
        match known.iter().find(|known| known.version == version) {
            Some(known) if known.checksum == migration.checksum => done.present.push(name.to_owned()),
            Some(_) => return Err(migrate(MigrateError::VersionMismatch(version))),
            None => {
                connection.apply(TABLE, &migration).await.map_err(migrate)?;
                done.applied.push(name.to_owned());
            }
        }
    }
    connection.unlock().await.map_err(migrate)?;
    done.timescaledb =
        sqlx::query_scalar("select extversion from pg_extension where extname = 'timescaledb'")
            .fetch_optional(&mut connection)
            .await
            .map_err(failed(&place, "ask for the extensions of"))?;
    close(connection, &place).await?;
    Ok(done)
}

/// What a database has and lacks.
pub(super) async fn state(connection: &mut PgConnection, place: &str) -> Result<MigrationState, StoreError> {
    let failed = failed(place, "read the migrations of");
    let there: bool = sqlx::query_scalar("select to_regclass($1) is not null")
        .bind(TABLE)
        .fetch_one(&mut *connection)
        .await
        .map_err(&failed)?;
    let known: Vec<i64> = match there {
        true => sqlx::query_scalar("select version from ceteris_migrations where success")
            .fetch_all(connection)
            .await
            .map_err(&failed)?,
        false => Vec::new(),
    };
    // Versions this build does not know are those of a newer one: migrations only add what older builds can do without.
    let (applied, pending): (Vec<_>, Vec<_>) = MIGRATIONS
        .iter()
        .partition(|(version, _, _)| known.contains(version));
    let names =
        |list: Vec<&(i64, &str, &str)>| list.into_iter().map(|(_, name, _)| (*name).to_owned()).collect();
    Ok(MigrationState {
        applied: names(applied),
        pending: names(pending),
    })
}

/// A connection without the bounds of the pool's: a migration takes as long as it takes.
async fn open(url: &str) -> Result<(PgConnection, String), StoreError> {
    let options = parse(url)?.application_name("ceteris migrate");
    let place = place(&options);
    match options.connect().await {
        Ok(connection) => Ok((connection, place)),
        Err(source) => Err(StoreError::Open {
            place,
            disposition: disposition(&source),
            source,
        }),
    }
}

async fn close(connection: PgConnection, place: &str) -> Result<(), StoreError> {
    connection.close().await.map_err(failed(place, "take leave of"))
}
