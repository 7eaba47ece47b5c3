//! A forest's covariates for learners that take no missing numbers, and a learner's table for a forest.

use ceteris_effect::forest::Covariates;
use ceteris_effect::{Column, ColumnKind};

use crate::learner::{Design, DesignError};

/// The table for learners that take no missing numbers: they become the column's mean, with a column beside it
/// that says where. Missing categories stay missing.
///
/// # Errors
/// None in practice: the values have been checked.
pub fn imputed(x: &Covariates) -> Result<Design, DesignError> {
    let mut columns = Vec::with_capacity(x.columns().len());
    for (j, column) in x.columns().iter().enumerate() {
        let values = x.values();
        let values = values.column(j);
        let holes = values.iter().filter(|v| v.is_nan()).count();
        if column.kind != ColumnKind::Numeric || holes == 0 {
            columns.push((column.clone(), values.to_vec()));
            continue;
        }
        let sum: f64 = values.iter().filter(|v| !v.is_nan()).sum();
        let mean = sum / (values.len() - holes).max(1) as f64;
        let filled = values.iter().map(|v| if v.is_nan() { mean } else { *v });
        columns.push((column.clone(), filled.collect()));
        let flags = values.iter().map(|v| f64::from(u8::from(v.is_nan())));
        columns.push((
            Column::numeric(format!("{} missing", column.name)),
            flags.collect(),
        ));
    }
    Design::from_columns(columns)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn missing_numbers_become_the_mean_and_a_flag() {
        let x = Covariates::numeric(array![[1.0, 5.0], [f64::NAN, 6.0], [3.0, 7.0]]).unwrap();
        let filled = imputed(&x).unwrap();
        assert_eq!(
            filled.values(),
            array![[1.0, 0.0, 5.0], [2.0, 1.0, 6.0], [3.0, 0.0, 7.0]]
        );
    }
}
