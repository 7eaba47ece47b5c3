//! What went wrong with a request, as the worker needs it: in words, and whether it passes by itself.

use std::error::Error;

use ceteris_lake::{Disposition, HasDisposition, LakeError};
use ceteris_registry::RegistryError;
use ceteris_stream::StreamError;

use crate::error::EtlError;

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

    fn of(error: &dyn Error, disposition: Disposition) -> Fault {
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            reason = format!("{reason}: {error}");
            cause = error.source();
        }
        Fault {
            reason,
            passing: disposition == Disposition::Retry,
        }
    }
}

impl From<LakeError> for Fault {
    fn from(error: LakeError) -> Fault {
        Fault::of(&error, error.disposition())
    }
}

impl From<RegistryError> for Fault {
    fn from(error: RegistryError) -> Fault {
        Fault::of(&error, error.disposition())
    }
}

impl From<StreamError> for Fault {
    fn from(error: StreamError) -> Fault {
        Fault::of(&error, error.disposition())
    }
}

impl From<EtlError> for Fault {
    fn from(error: EtlError) -> Fault {
        Fault::of(&error, error.disposition())
    }
}
