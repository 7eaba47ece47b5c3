//! What can go wrong with an object, by operation, and what a caller does about it.

use ceteris_contract::disposition::{Disposition, HasDisposition};

/// A failed operation on an object.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The store failed. After a put the outcome is unknown.
    #[error("cannot {what} {path}")]
    Store {
        /// What was attempted, a verb.
        what: &'static str,
        /// The object.
        path: String,
        /// Why.
        #[source]
        source: object_store::Error,
    },
    /// A write-once put failed, and reading showed that nothing is there: it may be repeated.
    #[error("cannot write {path}")]
    NotWritten {
        /// The object.
        path: String,
        /// Why the put failed.
        #[source]
        source: object_store::Error,
    },
    /// The root is no folder we can use.
    #[error("cannot use the folder {path}")]
    Folder {
        /// The folder.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A name that cannot stand in a path.
    #[error("{name:?} is no name: use letters, digits, '-', '_' and '.', at most 128, not starting with '.'")]
    InvalidName {
        /// As given.
        name: String,
    },
}

impl ObjectError {
    /// The error of a failed call to the store, for [`Result::map_err`].
    pub fn store(what: &'static str, path: String) -> impl Fn(object_store::Error) -> ObjectError {
        move |source| ObjectError::Store {
            what,
            path: path.clone(),
            source,
        }
    }
}

impl HasDisposition for ObjectError {
    fn disposition(&self) -> Disposition {
        match self {
            ObjectError::Store { .. } | ObjectError::NotWritten { .. } => Disposition::Retry,
            ObjectError::Folder { .. } | ObjectError::InvalidName { .. } => Disposition::Halt,
        }
    }
}
