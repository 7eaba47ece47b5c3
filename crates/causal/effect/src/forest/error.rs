//! Why covariates, arrays or a question do not fit a forest.

/// Why covariates, arrays or a question do not fit a forest.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ForestError {
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
}
