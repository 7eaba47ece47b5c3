//! The table learners read: n × p numbers with a kind and a name for each column.

use ndarray::{Array2, ArrayView1, Axis};
use serde::{Deserialize, Serialize};

/// What the numbers of a column mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// A quantity.
    Numeric,
    /// A position in the list of levels; NaN means missing or a level not in the list.
    Categorical {
        /// Names of the levels.
        levels: Vec<String>,
    },
}

/// A column's name and kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Name, as the dataset has it.
    pub name: String,
    /// What its numbers mean.
    pub kind: ColumnKind,
}

impl Column {
    /// A numeric column.
    pub fn numeric(name: impl Into<String>) -> Self {
        Column {
            name: name.into(),
            kind: ColumnKind::Numeric,
        }
    }

    /// A categorical column.
    pub fn categorical(name: impl Into<String>, levels: Vec<String>) -> Self {
        Column {
            name: name.into(),
            kind: ColumnKind::Categorical { levels },
        }
    }
}

/// A validated table: every numeric value finite, every categorical one a level's position or NaN.
#[derive(Clone, Debug, PartialEq)]
pub struct Design {
    values: Array2<f64>,
    columns: Vec<Column>,
}

/// Why numbers do not make a [`Design`].
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DesignError {
    /// The number of columns differs from the number of names.
    #[error("{values} columns of values for {columns} names")]
    Columns {
        /// Columns of values.
        values: usize,
        /// Names given.
        columns: usize,
    },
    /// Columns are not of one length.
    #[error("column {name} has {found} rows where the first has {rows}")]
    Ragged {
        /// The column.
        name: String,
        /// Its rows.
        found: usize,
        /// Rows of the first column.
        rows: usize,
    },
    /// A numeric value is NaN or infinite.
    #[error("column {name}, row {row}: {value} is not a finite number")]
    NotFinite {
        /// The column.
        name: String,
        /// The row.
        row: usize,
        /// The value.
        value: f64,
    },
    /// A categorical value is no position in the levels.
    #[error("column {name}, row {row}: {value} is not one of its {levels} levels")]
    NotALevel {
        /// The column.
        name: String,
        /// The row.
        row: usize,
        /// The value.
        value: f64,
        /// Number of levels.
        levels: usize,
    },
}

impl Design {
    /// Checks `values` (n × p, row-major) against `columns`.
    ///
    /// # Errors
    /// Another number of columns, a numeric value that is not finite, a categorical one that is no level.
    pub fn new(values: Array2<f64>, columns: Vec<Column>) -> Result<Self, DesignError> {
        if values.ncols() != columns.len() {
            return Err(DesignError::Columns {
                values: values.ncols(),
                columns: columns.len(),
            });
        }
        for (j, column) in columns.iter().enumerate() {
            for (row, &value) in values.column(j).iter().enumerate() {
                check_value(column, row, value)?;
            }
        }
        Ok(Design {
            values: values.as_standard_layout().into_owned(),
            columns,
        })
    }

    /// Builds the table from its columns, each with its values.
    ///
    /// # Errors
    /// As [`Design::new`], and columns of different lengths.
    pub fn from_columns(columns: Vec<(Column, Vec<f64>)>) -> Result<Self, DesignError> {
        let rows = columns.first().map_or(0, |(_, v)| v.len());
        if let Some((c, v)) = columns.iter().find(|(_, v)| v.len() != rows) {
            return Err(DesignError::Ragged {
                name: c.name.clone(),
                found: v.len(),
                rows,
            });
        }
        let values = Array2::from_shape_fn((rows, columns.len()), |(i, j)| columns[j].1[i]);
        Design::new(values, columns.into_iter().map(|(c, _)| c).collect())
    }

    /// Number of rows.
    pub fn n(&self) -> usize {
        self.values.nrows()
    }

    /// Number of columns.
    pub fn p(&self) -> usize {
        self.values.ncols()
    }

    /// Names and kinds.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The numbers, n × p.
    pub fn values(&self) -> &Array2<f64> {
        &self.values
    }

    /// One row.
    pub fn row(&self, i: usize) -> ArrayView1<'_, f64> {
        self.values.row(i)
    }

    /// The given rows, in the given order.
    pub fn select(&self, rows: &[usize]) -> Design {
        Design {
            values: self.values.select(Axis(0), rows),
            columns: self.columns.clone(),
        }
    }
}

fn check_value(column: &Column, row: usize, value: f64) -> Result<(), DesignError> {
    match &column.kind {
        ColumnKind::Numeric if !value.is_finite() => Err(DesignError::NotFinite {
            name: column.name.clone(),
            row,
            value,
        }),
        ColumnKind::Categorical { levels } if !value.is_nan() && level_of(value, levels.len()).is_none() => {
            Err(DesignError::NotALevel {
                name: column.name.clone(),
                row,
                value,
                levels: levels.len(),
            })
        }
        _ => Ok(()),
    }
}

/// The level a categorical value stands for, or `None` where it stands for none of them.
pub(crate) fn level_of(value: f64, levels: usize) -> Option<usize> {
    (value >= 0.0 && value < levels as f64 && value.fract() == 0.0).then_some(value as usize)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn values_are_checked_against_kinds() {
        let city = Column::categorical("city", vec!["a".into(), "b".into()]);
        let ok = Design::new(
            array![[1.0, 0.0], [2.0, f64::NAN]],
            vec![Column::numeric("x"), city.clone()],
        );
        assert_eq!(ok.unwrap().n(), 2);
        let bad = Design::new(array![[1.0, 2.0]], vec![Column::numeric("x"), city]);
        assert_eq!(
            bad.unwrap_err().to_string(),
            "column city, row 0: 2 is not one of its 2 levels"
        );
        let nan = Design::new(array![[f64::NAN]], vec![Column::numeric("x")]);
        assert!(matches!(nan, Err(DesignError::NotFinite { row: 0, .. })));
    }
}
