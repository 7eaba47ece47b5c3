//! The dataset's treatment columns as arm positions: 0 is control.

use ceteris_contract::dataset::Dataset;
use ceteris_contract::problem::Treatment;

use crate::error::TrainError;

/// The arm of every row: 0 where the column is missing, else 1 + the arm's position in the problem.
pub(crate) fn arms_of(treatment: &Treatment, data: &Dataset) -> Result<Vec<usize>, TrainError> {
    let column = treatment.column();
    let values = data.texts(&column).ok_or_else(|| TrainError::MissingColumn {
        column: column.clone(),
    })?;
    values
        .iter()
        .enumerate()
        .map(|(row, value)| match value {
            None => Ok(0),
            Some(id) => treatment
                .arms
                .iter()
                .position(|arm| arm.id == *id)
                .map(|at| at + 1)
                .ok_or_else(|| TrainError::UnknownArm {
                    column: column.clone(),
                    row,
                    arm: id.clone(),
                }),
        })
        .collect()
}
