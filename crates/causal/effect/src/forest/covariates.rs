//! The covariates a forest reads: numbers with names and kinds, NaN being missing.

use ndarray::{Array2, ArrayView1, ArrayView2};

use super::ForestError;
use crate::{Column, ColumnKind};

/// A validated table n × p: every number finite or NaN (missing), every category a level's position or NaN.
///
/// Missing numbers are sent to one side or the other by each split.
#[derive(Clone, Debug)]
pub struct Covariates {
    values: Array2<f64>,
    columns: Vec<Column>,
}

impl Covariates {
    /// Checks `values` (n × p) against `columns`.
    ///
    /// # Errors
    /// Another number of columns, an infinite value, a category that is no level.
    pub fn new(values: Array2<f64>, columns: Vec<Column>) -> Result<Self, ForestError> {
        if values.ncols() != columns.len() {
            return Err(ForestError::Columns {
                found: values.ncols(),
                expected: columns.len(),
            });
        }
        for (j, column) in columns.iter().enumerate() {
            let known = |v: f64| match &column.kind {
                ColumnKind::Numeric => v.is_finite(),
                ColumnKind::Categorical { levels } => v >= 0.0 && v < levels.len() as f64 && v.fract() == 0.0,
            };
            let of_column = values.column(j);
            if let Some(row) = of_column.iter().position(|&v| !v.is_nan() && !known(v)) {
                return Err(ForestError::Covariate {
                    name: column.name.clone(),
                    row,
                    value: of_column[row],
                });
            }
        }
        Ok(Covariates {
            values: values.as_standard_layout().into_owned(),
            columns,
        })
    }

    /// Numeric columns named `x1`, `x2` and so on.
    ///
    /// # Errors
    /// As [`Covariates::new`].
    pub fn numeric(values: Array2<f64>) -> Result<Self, ForestError> {
        let columns = (1..=values.ncols())
            .map(|j| Column::numeric(format!("x{j}")))
            .collect();
        Covariates::new(values, columns)
    }

    /// Number of rows.
    pub fn n(&self) -> usize {
        self.values.nrows()
    }

    /// Names and kinds.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The numbers, n × p.
    pub fn values(&self) -> ArrayView2<'_, f64> {
        self.values.view()
    }

    /// One row.
    pub fn row(&self, i: usize) -> ArrayView1<'_, f64> {
        self.values.row(i)
    }

    /// The given rows, in the given order.
    pub fn select(&self, rows: &[usize]) -> Covariates {
        Covariates {
            values: self.values.select(ndarray::Axis(0), rows),
            columns: self.columns.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn bad_values_are_named() {
        let bad = Covariates::numeric(array![[1.0], [f64::INFINITY]]).unwrap_err();
        assert_eq!(
            bad.to_string(),
            "column x1, row 1: inf is neither missing nor a value of the column"
        );
    }
}
