//! What can go wrong with a store, and what a worker does about it.

use std::time::Duration;

use ceteris_contract::disposition::{Disposition, HasDisposition};

use crate::logged::NotLogged;

/// Why a store call failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// What was given as a database is none.
    #[error("{given} is no database URL; give postgres://user@host:port/database")]
    BadUrl {
        /// What was given, without its password.
        given: String,
        /// The cause.
        #[source]
        source: sqlx::Error,
    },
    /// The database could not be opened.
    #[error("cannot open the decision store at {place}")]
    Open {
        /// Where it lies.
        place: String,
        /// What to do about it, as the database's error code says.
        disposition: Disposition,
        /// The cause.
        #[source]
        source: sqlx::Error,
    },
    /// The database lacks tables or columns that this build writes.
    #[error("the decision store at {place} lacks {missing}: run `ceteris migrate --store URL`")]
    Schema {
        /// Where it lies.
        place: String,
        /// The migrations it lacks.
        missing: String,
    },
    /// The schema could not be brought up to date.
    #[error("cannot migrate the decision store at {place}")]
    Migrate {
        /// Where it lies.
        place: String,
        /// The cause.
        #[source]
        source: Box<sqlx::migrate::MigrateError>,
    },
    /// The database keeps text in an encoding that cannot hold every record.
    #[error("the database at {place} keeps text as {encoding}; make one with encoding UTF8")]
    Encoding {
        /// Where it lies.
        place: String,
        /// Its encoding.
        encoding: String,
    },
    /// A statement failed.
    #[error("cannot {operation} decisions")]
    Query {
        /// What was tried.
        operation: &'static str,
        /// What to do about it, as the database's error code says.
        disposition: Disposition,
        /// The cause.
        #[source]
        source: sqlx::Error,
    },
    /// The database did not answer in time.
    #[error("cannot {operation} decisions: the database did not answer within {} ms", waited.as_millis())]
    Late {
        /// What was tried.
        operation: &'static str,
        /// For how long.
        waited: Duration,
    },
    /// The position is not where the writer left it.
    #[error("{topic}/{partition} stands at {actual}, not at {expected}: another writer moved it")]
    Moved {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// Where the writer believed it was.
        expected: u64,
        /// Where it is.
        actual: u64,
    },
    /// The database refuses records as they are.
    #[error("the database refuses {} of the batch's records", records.len())]
    Refused {
        /// Their places in the batch, ascending, and why.
        records: Vec<(usize, String)>,
    },
    /// A stored record cannot be read.
    #[error("the stored record of decision {decision_id} cannot be read")]
    Record {
        /// Which.
        decision_id: String,
        /// The cause.
        #[source]
        source: NotLogged,
    },
}

impl HasDisposition for StoreError {
    fn disposition(&self) -> Disposition {
        match self {
            StoreError::Open { disposition, .. } | StoreError::Query { disposition, .. } => *disposition,
            StoreError::Late { .. } => Disposition::Retry,
            StoreError::BadUrl { .. }
            | StoreError::Schema { .. }
            | StoreError::Migrate { .. }
            | StoreError::Encoding { .. }
            | StoreError::Moved { .. } => Disposition::Halt,
            StoreError::Refused { .. } | StoreError::Record { .. } => Disposition::Park,
        }
    }
}
