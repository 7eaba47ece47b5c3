//! Why views do not compile, and why stored bytes are no state.

use thiserror::Error;

/// A view or outcome that this engine cannot evaluate.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CompileError {
    /// It is read from a table's column, so it has no state.
    #[error("`{name}` is read from a table's column, not from events")]
    NotFromEvents {
        /// View or outcome.
        name: String,
    },
    /// The aggregate needs a property.
    #[error("`{name}` aggregates a property, but names none")]
    PropertyMissing {
        /// View or outcome.
        name: String,
    },
    /// The aggregate's value is not of the view's kind.
    #[error("`{name}` is declared categorical, but its aggregate gives a number")]
    KindMismatch {
        /// The view.
        name: String,
    },
    /// An aggregate that has no meaning after the decision.
    #[error("`{name}`: days_since looks back from an instant, so it cannot be measured after one")]
    LooksBack {
        /// Mediator view or outcome.
        name: String,
    },
}

/// Bytes that are no state of these views. The state must be rebuilt from the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// Written by another layout.
    #[error("the state has layout {found}, this build reads {expected}")]
    Version {
        /// The layout in the bytes.
        found: u8,
        /// The layout of this build.
        expected: u8,
    },
    /// Written for other views.
    #[error("the state belongs to other views")]
    Schema,
    /// Cut off, or damaged.
    #[error("the state is damaged")]
    Damaged,
}
