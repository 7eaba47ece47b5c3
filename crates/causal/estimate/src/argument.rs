//! What can be wrong with an argument of an estimator, and the checks that find it.

use ndarray::Array2;

/// An argument that an estimator cannot use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// A parameter is outside its range.
    #[error("{name} must be {range}")]
    Parameter {
        /// Name of the parameter.
        name: &'static str,
        /// Its range in words.
        range: &'static str,
    },
    /// A part of the sample that the estimator needs is not given.
    #[error("the sample has no {what}")]
    Missing {
        /// The part.
        what: &'static str,
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
    /// A treatment or instrument that must be binary takes a value other than 0 and 1.
    #[error("the {what} of row {row} is neither 0 nor 1")]
    NotBinary {
        /// The argument at fault.
        what: &'static str,
        /// The row.
        row: usize,
    },
    /// A row's arm is not one of the arms.
    #[error("row {row} has arm {arm}; there are {n_arms} arms")]
    UnknownArm {
        /// The row.
        row: usize,
        /// Its arm.
        arm: usize,
        /// Number of arms, control included.
        n_arms: usize,
    },
    /// Known propensities are no probabilities, or the one of the row's own arm is zero.
    #[error("row {row}: the known propensities are not positive numbers that sum to one")]
    Propensity {
        /// The row.
        row: usize,
    },
}

pub(crate) fn check_length(what: &'static str, found: usize, rows: usize) -> Result<(), ArgumentError> {
    if found == rows {
        Ok(())
    } else {
        Err(ArgumentError::Length { what, found, rows })
    }
}

pub(crate) fn check_finite<'v>(
    what: &'static str,
    values: impl IntoIterator<Item = &'v f64>,
) -> Result<(), ArgumentError> {
    values
        .into_iter()
        .position(|v| !v.is_finite())
        .map_or(Ok(()), |row| Err(ArgumentError::Value { what, row }))
}

/// Checks that named values have one finite number a row.
pub(crate) fn check_values(named: &[(&'static str, &[f64])], rows: usize) -> Result<(), ArgumentError> {
    for &(what, values) in named {
        check_length(what, values.len(), rows)?;
        check_finite(what, values)?;
    }
    Ok(())
}

/// Checks weights and gives them, all one where they are absent.
pub(crate) fn check_weights(weights: Option<&[f64]>, rows: usize) -> Result<Vec<f64>, ArgumentError> {
    let weights = weights.map_or_else(|| vec![1.0; rows], <[f64]>::to_vec);
    check_length("weights", weights.len(), rows)?;
    match weights.iter().position(|w| !w.is_finite() || *w < 0.0) {
        Some(row) => Err(ArgumentError::Value { what: "weights", row }),
        None => Ok(weights),
    }
}

/// Zeros and ones as classes.
pub(crate) fn check_binary(what: &'static str, values: &[f64]) -> Result<Vec<usize>, ArgumentError> {
    match values.iter().position(|v| *v != 0.0 && *v != 1.0) {
        Some(row) => Err(ArgumentError::NotBinary { what, row }),
        None => Ok(values.iter().map(|v| usize::from(*v == 1.0)).collect()),
    }
}

/// Checks known propensities, n × K, of the arms that the rows had.
pub(crate) fn check_known(m: &Array2<f64>, arms: &[usize], n_arms: usize) -> Result<(), ArgumentError> {
    check_length("propensities", m.nrows(), arms.len())?;
    check_length("propensities of one row", m.ncols(), n_arms)?;
    check_finite("propensities", m.iter())?;
    let bad = |(row, &arm): (usize, &usize)| {
        let p = m.row(row);
        p[arm] <= 0.0 || p.iter().any(|v| *v < 0.0) || (p.sum() - 1.0).abs() > 1e-6
    };
    arms.iter()
        .enumerate()
        .position(bad)
        .map_or(Ok(()), |row| Err(ArgumentError::Propensity { row }))
}
