//! What a caller does about a failed call to an adapter, so that it acts on data, never on message text.

use std::error::Error;

/// The answer of every adapter error's [`disposition`](HasDisposition::disposition).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The same call may succeed later: back off and repeat.
    Retry,
    /// This record or piece of work will never succeed from here: set it aside and go on without it.
    Park,
    /// Stop: another writer owns this, or the data cannot be trusted; a person has to look.
    Halt,
}

/// An error that says what to do about it.
pub trait HasDisposition: Error {
    /// What to do about it.
    fn disposition(&self) -> Disposition;
}
