//! What a failed call to lake, feature store or log means for the place it was to write to.

use std::time::Duration;

use ceteris_feature_store::StoreError;
use ceteris_lake::LakeError;
use ceteris_stream::{Disposition, HasDisposition, StreamError};
use tokio::time::Instant;

/// Pauses between attempts to go on with a place that is away.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(15);
/// Longer than a group's session (6 s): a worker that was stopped past it and is fenced for that has been told by then
/// that the partition is another's. Claiming it at once would fence the one who has it now.
const MOVED_PAUSE: Duration = Duration::from_secs(10);

/// Why a place cannot be written to.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It does not answer: try again.
    Away(anyhow::Error),
    /// It lost writes: claim it anew, and go on from where it stands.
    Lost(anyhow::Error),
    /// Another worker writes to it, as after a rebalance this one has not heard of.
    Moved(anyhow::Error),
    /// Going on would do harm, or no good.
    Halt(anyhow::Error),
}

impl Trouble {
    /// What to do next: the error that ends the worker, or the pause before the place is tried again.
    pub(crate) fn weigh(self, retry: &mut Retry, operation: &'static str) -> anyhow::Result<&'static str> {
        let (code, error) = match self {
            Trouble::Halt(error) => return Err(error.context(operation)),
            Trouble::Away(error) => {
                retry.fail();
                ("away", error)
            }
            Trouble::Lost(error) => {
                retry.fail();
                ("lost", error)
            }
            Trouble::Moved(error) => {
                retry.not_before(MOVED_PAUSE);
                ("moved", error)
            }
        };
        tracing::warn!(
            operation,
            code,
            error = format!("{error:#}"),
            "a place is left for now"
        );
        Ok(code)
    }
}

impl From<LakeError> for Trouble {
    fn from(error: LakeError) -> Self {
        let disposition = error.disposition();
        match (&error, disposition) {
            (LakeError::Fenced { .. }, _) => Trouble::Moved(error.into()),
            (_, Disposition::Halt) => Trouble::Halt(error.into()),
            _ => Trouble::Away(error.into()),
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Fenced { owner: None, .. } | StoreError::Diverged { .. } => {
                Trouble::Lost(error.into())
            }
            StoreError::Fenced { .. } | StoreError::MovedBack { .. } => Trouble::Moved(error.into()),
            StoreError::Interrupted => Trouble::Away(error.into()),
            other if other.disposition() == Disposition::Retry => Trouble::Away(error.into()),
            _ => Trouble::Halt(error.into()),
        }
    }
}

impl From<StreamError> for Trouble {
    fn from(error: StreamError) -> Self {
        match error.disposition() {
            Disposition::Halt => Trouble::Halt(error.into()),
            _ => Trouble::Away(error.into()),
        }
    }
}

/// When something is tried again: at once, then ever later until it works.
#[derive(Debug)]
pub(crate) struct Retry {
    at: Instant,
    pause: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Retry {
            at: Instant::now(),
            pause: PAUSE_MIN,
        }
    }
}

impl Retry {
    pub(crate) fn is_due(&self) -> bool {
        Instant::now() >= self.at
    }

    pub(crate) fn fail(&mut self) {
        self.not_before(self.pause);
        self.pause = (self.pause * 2).min(PAUSE_MAX);
    }

    fn not_before(&mut self, pause: Duration) {
        self.at = Instant::now() + pause;
    }

    pub(crate) fn succeed(&mut self) {
        self.pause = PAUSE_MIN;
    }
}
