//! What a failed call to lake, feature store or log means for the place it was to write to.

use std::time::Duration;

use ceteris_chassis::backoff::Backoff;
use ceteris_feature_store::StoreError;
use ceteris_lake::LakeError;
use ceteris_stream::{Disposition, HasDisposition, StreamError};

/// Pauses between attempts to go on with a place that is away.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(15);
/// Longer than a group's session (6 s): a worker that was stopped past it and is fenced for that has been told by then
/// that the partition is another's. Claiming it at once would fence the one who has it now.
const MOVED_PAUSE: Duration = Duration::from_secs(10);

/// The pauses of one place.
pub(crate) fn backoff() -> Backoff {
    Backoff::new(PAUSE_MIN, PAUSE_MAX)
}

/// Why a place cannot be written to, and what to do about it.
#[derive(Debug)]
pub(crate) struct Trouble {
    disposition: Disposition,
    /// In the metric of retries.
    code: &'static str,
    error: anyhow::Error,
}

impl Trouble {
    /// It does not answer: try again.
    pub(crate) fn away(error: impl Into<anyhow::Error>) -> Trouble {
        Trouble {
            disposition: Disposition::Retry,
            code: "away",
            error: error.into(),
        }
    }

    /// It lost writes: claim it anew, and go on from where it stands.
    fn lost(error: impl Into<anyhow::Error>) -> Trouble {
        Trouble {
            code: "lost",
            ..Trouble::away(error)
        }
    }

    /// Another worker writes to it, as after a rebalance this one has not heard of.
    fn moved(error: impl Into<anyhow::Error>) -> Trouble {
        Trouble {
            disposition: Disposition::Park,
            code: "moved",
            error: error.into(),
        }
    }

    /// Going on would do harm, or no good.
    pub(crate) fn halt(error: impl Into<anyhow::Error>) -> Trouble {
        Trouble {
            disposition: Disposition::Halt,
            code: "halt",
            error: error.into(),
        }
    }

    /// The partition of the lake that another writer has, if that is what happened.
    pub(crate) fn moved_partition(&self) -> Option<u32> {
        match self.error.downcast_ref() {
            Some(LakeError::Fenced { partition, .. }) => Some(*partition),
            _ => None,
        }
    }

    /// What to do next: the error that ends the worker, or the pause before the place is tried again, and the code.
    pub(crate) fn weigh(
        self,
        backoff: &mut Backoff,
        operation: &'static str,
    ) -> anyhow::Result<&'static str> {
        match self.disposition {
            Disposition::Halt => return Err(self.error.context(operation)),
            Disposition::Park => backoff.rest(MOVED_PAUSE),
            Disposition::Retry => {
                backoff.failed();
            }
        }
        tracing::warn!(
            operation,
            code = self.code,
            error = format!("{:#}", self.error),
            "a place is left for now"
        );
        Ok(self.code)
    }
}

impl From<LakeError> for Trouble {
    fn from(error: LakeError) -> Self {
        match (&error, error.disposition()) {
            (LakeError::Fenced { .. }, _) => Trouble::moved(error),
            (_, Disposition::Halt) => Trouble::halt(error),
            _ => Trouble::away(error),
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Fenced { owner: None, .. } | StoreError::Diverged { .. } => Trouble::lost(error),
            StoreError::Fenced { .. } | StoreError::MovedBack { .. } => Trouble::moved(error),
            StoreError::Interrupted => Trouble::away(error),
            other if other.disposition() == Disposition::Retry => Trouble::away(error),
            _ => Trouble::halt(error),
        }
    }
}

impl From<StreamError> for Trouble {
    fn from(error: StreamError) -> Self {
        match error.disposition() {
            Disposition::Halt => Trouble::halt(error),
            _ => Trouble::away(error),
        }
    }
}
