//! The table learners read: n × p numbers with a kind and a name for each column.

use std::sync::Arc;

use ceteris_effect::{Column, ColumnKind};
use ceteris_stats::Unit;
use ndarray::{Array2, Axis, concatenate};

/// A validated table: every numeric value finite (or NaN, where missing values are allowed), every categorical one a
/// level's position or NaN. Rows selected from it share its numbers.
#[derive(Clone, Debug)]
pub struct Design {
    /// Rows contiguous.
    values: Arc<Array2<f64>>,
    /// Which of them are rows of this table; absent where all are, in their order.
    rows: Option<Vec<usize>>,
    columns: Arc<[Column]>,
    /// Whether the numeric columns of `values` have a NaN.
    missing: bool,
    units: Option<Vec<Unit>>,
}

impl PartialEq for Design {
    fn eq(&self, other: &Self) -> bool {
        self.columns == other.columns && self.units == other.units && self.rows().eq(other.rows())
    }
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
        Design::checked(values, columns, false)
    }

    /// The same, with NaN allowed in numeric columns: missing. Trees send missing values to the side that fits better;
    /// bases put the mean in their place and add a column that says where.
    ///
    /// # Errors
    /// As [`Design::new`], with infinite values alone refused.
    pub fn with_missing(values: Array2<f64>, columns: Vec<Column>) -> Result<Self, DesignError> {
        Design::checked(values, columns, true)
    }

    fn checked(values: Array2<f64>, columns: Vec<Column>, missing: bool) -> Result<Self, DesignError> {
        if values.ncols() != columns.len() {
            return Err(DesignError::Columns {
                values: values.ncols(),
                columns: columns.len(),
            });
        }
        let mut found_missing = false;
        for (j, column) in columns.iter().enumerate() {
            for (row, &value) in values.column(j).iter().enumerate() {
                if missing && value.is_nan() {
                    found_missing |= column.kind == ColumnKind::Numeric;
                } else {
                    check_value(column, row, value)?;
                }
            }
        }
        Ok(Design::of_all(values, columns.into(), found_missing))
    }

    fn of_all(values: Array2<f64>, columns: Arc<[Column]>, missing: bool) -> Self {
        let values = if values.is_standard_layout() {
            values
        } else {
            values.as_standard_layout().into_owned()
        };
        Design {
            values: Arc::new(values),
            rows: None,
            columns,
            missing,
            units: None,
        }
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
        self.rows.as_ref().map_or(self.values.nrows(), Vec::len)
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
    pub fn values(&self) -> Array2<f64> {
        match &self.rows {
            Some(rows) => self.values.select(Axis(0), rows),
            None => (*self.values).clone(),
        }
    }

    /// One row.
    pub fn row(&self, i: usize) -> &[f64] {
        let row = self.values.row(self.rows.as_ref().map_or(i, |rows| rows[i]));
        debug_assert!(row.is_standard_layout());
        row.to_slice().unwrap_or_default()
    }

    /// Every row.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        (0..self.n()).map(|i| self.row(i))
    }

    /// The numbers of one column.
    pub fn column(&self, j: usize) -> impl Iterator<Item = f64> + Clone + '_ {
        (0..self.n()).map(move |i| self.row(i)[j])
    }

    /// Whether a numeric value is missing.
    pub fn has_missing(&self) -> bool {
        let numeric = |j: &usize| self.columns[*j].kind == ColumnKind::Numeric;
        let mut columns = (0..self.p()).filter(numeric);
        self.missing && columns.any(|j| self.column(j).any(f64::is_nan))
    }

    /// Says whose rows these are, so that what a learner cuts or draws inside is by unit and not by row position.
    #[must_use]
    pub fn of_units(mut self, units: Vec<Unit>) -> Design {
        debug_assert_eq!(units.len(), self.n());
        self.units = Some(units);
        self
    }

    /// The unit of each row; a unit of its own for each where nobody said.
    pub fn units(&self) -> Vec<Unit> {
        self.units.clone().unwrap_or_else(|| Unit::one_per_row(self.n()))
    }

    /// The table without some columns: what would be known had they not been measured.
    pub fn without(&self, names: &[&str]) -> Design {
        let kept: Vec<usize> = (0..self.p())
            .filter(|&j| !names.contains(&self.columns[j].name.as_str()))
            .collect();
        let columns = kept.iter().map(|&j| self.columns[j].clone()).collect();
        Design {
            units: self.units.clone(),
            ..Design::of_all(self.values().select(Axis(1), &kept), columns, self.missing)
        }
    }

    /// These columns, then those of another table of the same rows.
    ///
    /// # Errors
    /// Another number of rows.
    pub fn beside(&self, other: &Design) -> Result<Design, DesignError> {
        if other.n() != self.n() {
            return Err(DesignError::Ragged {
                name: other.columns.first().map_or_else(String::new, |c| c.name.clone()),
                found: other.n(),
                rows: self.n(),
            });
        }
        let columns = self.columns.iter().chain(other.columns.iter()).cloned();
        Ok(Design {
            units: self.units.clone(),
            ..Design::of_all(
                concatenate![Axis(1), self.values(), other.values()],
                columns.collect(),
                self.missing || other.missing,
            )
        })
    }

    /// The given rows, in the given order. Copies none of their numbers.
    pub fn select(&self, rows: &[usize]) -> Design {
        Design {
            values: Arc::clone(&self.values),
            rows: Some(match &self.rows {
                Some(mine) => rows.iter().map(|&i| mine[i]).collect(),
                None => rows.to_vec(),
            }),
            columns: Arc::clone(&self.columns),
            missing: self.missing,
            units: self.units.as_ref().map(|u| rows.iter().map(|&i| u[i]).collect()),
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
        let allowed = Design::with_missing(array![[f64::NAN]], vec![Column::numeric("x")]).unwrap();
        assert!(allowed.has_missing());
        let endless = Design::with_missing(array![[f64::INFINITY]], vec![Column::numeric("x")]);
        assert!(matches!(endless, Err(DesignError::NotFinite { row: 0, .. })));
    }

    #[test]
    fn rows_selected_again_and_columns_left_out() {
        let numbers = |of: [f64; 4]| of.to_vec();
        let x = Design::from_columns(vec![
            (Column::numeric("a"), numbers([1.0, 2.0, 3.0, 4.0])),
            (Column::numeric("b"), numbers([5.0, 6.0, 7.0, 8.0])),
            (Column::numeric("c"), numbers([9.0, 8.0, 7.0, 6.0])),
        ])
        .unwrap();
        let few = x.select(&[3, 1, 2]).select(&[2, 0]);
        assert_eq!(few.values(), array![[3.0, 7.0, 7.0], [4.0, 8.0, 6.0]]);
        assert_eq!(few.column(1).collect::<Vec<_>>(), [7.0, 8.0]);
        let part = few.without(&["b"]);
        assert_eq!(part.row(1), [4.0, 6.0]);
        let wide = part.beside(&few).unwrap();
        assert_eq!(wide.row(0), [3.0, 7.0, 3.0, 7.0, 7.0]);
        assert_eq!(x.select(&[0, 1, 2, 3]), x);
        assert_ne!(x.select(&[1, 0, 2, 3]), x);
    }
}
