//! Why a forest could not be grown, asked or read back.

use crate::learner::{DesignError, LearnerError};
use crate::sample::FoldError;

/// Why a forest could not be grown, asked or read back.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ForestError {
    /// A parameter is outside its range.
    #[error("{name} must be {range}")]
    Parameter {
        /// Name of the parameter.
        name: &'static str,
        /// Its range in words.
        range: &'static str,
    },
    /// An argument has another number of rows than the table.
    #[error("{what} has {found} rows where the table has {rows}")]
    Length {
        /// The argument at fault.
        what: &'static str,
        /// Its rows.
        found: usize,
        /// Rows of the table.
        rows: usize,
    },
    /// A value is not a finite number, or a weight is negative.
    #[error("{what}, row {row}: the value cannot be used")]
    Value {
        /// The argument at fault.
        what: &'static str,
        /// The row.
        row: usize,
    },
    /// A covariate is infinite, or a category that is none of its column's levels.
    #[error("column {name}, row {row}: {value} is neither missing nor a value of the column")]
    Covariate {
        /// The column.
        name: String,
        /// The row.
        row: usize,
        /// The value.
        value: f64,
    },
    /// The number of columns differs from the number of names, or from that of the fit.
    #[error("the table has {found} columns where {expected} are expected")]
    Columns {
        /// Columns found.
        found: usize,
        /// Columns expected.
        expected: usize,
    },
    /// A row's arm is not one of the arms.
    #[error("row {row} has arm {arm}; there are {n_arms} arms, and at least 2 are needed")]
    UnknownArm {
        /// The row.
        row: usize,
        /// Its arm.
        arm: usize,
        /// Number of arms, control included.
        n_arms: usize,
    },
    /// An arm has no rows to learn from.
    #[error("arm {arm} has {rows} rows of positive weight; at least {needed} are needed")]
    ThinArm {
        /// The arm.
        arm: usize,
        /// Its rows.
        rows: usize,
        /// Rows needed.
        needed: usize,
    },
    /// Subsamples of whole units need more of them.
    #[error(
        "{units} units of positive weight are too few for honest subsamples; at least {needed} are needed"
    )]
    TooFewUnits {
        /// Units found.
        units: usize,
        /// Units needed.
        needed: usize,
    },
    /// More features, nodes or arms than a forest's compact arrays can count.
    #[error("{what} exceed what a forest can hold, {limit}; {fix}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        limit: usize,
        /// What to do.
        fix: &'static str,
    },
    /// Arrays that are no forest's.
    #[error("the arrays are not those of a forest: {0}")]
    Parts(&'static str),
    /// The sample could not be cut.
    #[error("the sample could not be cut into folds")]
    Folds(#[from] FoldError),
    /// The covariates could not be handed to a nuisance learner.
    #[error("the covariates do not make a table")]
    Design(#[from] DesignError),
    /// A nuisance could not be learned.
    #[error("nuisance {nuisance} could not be learned outside fold {fold}")]
    Learner {
        /// The nuisance.
        nuisance: &'static str,
        /// The fold held out.
        fold: usize,
        /// The learner's reason.
        #[source]
        source: LearnerError,
    },
    /// The caller asked to stop.
    #[error("the fit was interrupted")]
    Interrupted,
}
