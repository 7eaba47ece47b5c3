//! What went wrong with a dataset, as the worker needs it: in words, and whether it passes by itself.

use std::error::Error;

use ceteris_lake::{Disposition, LakeError};
use ceteris_registry::RegistryError;

use crate::error::TrainError;

/// A failed step.
#[derive(Debug)]
pub(crate) struct Fault {
    /// The error with its causes.
    pub(crate) reason: String,
    /// Whether trying again can help.
    pub(crate) passing: bool,
}

impl Fault {
    /// One that trying again does not mend.
    pub(crate) fn lasting(reason: String) -> Fault {
        let passing = false;
        Fault { reason, passing }
    }

    /// One that may mend by itself.
    pub(crate) fn passing(reason: String) -> Fault {
        let passing = true;
        Fault { reason, passing }
    }

    fn of(error: &dyn Error, passing: bool) -> Fault {
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            reason = format!("{reason}: {error}");
            cause = error.source();
        }
        Fault { reason, passing }
    }
}

impl From<LakeError> for Fault {
    fn from(error: LakeError) -> Fault {
        Fault::of(&error, error.disposition() == Disposition::Retry)
    }
}

impl From<RegistryError> for Fault {
    fn from(error: RegistryError) -> Fault {
        Fault::of(&error, error.disposition() == Disposition::Retry)
    }
}

impl From<TrainError> for Fault {
    fn from(error: TrainError) -> Fault {
        // The same rows come to the same end.
        Fault::of(&error, false)
    }
}
