//! What a number of a row of covariates means.

use serde::{Deserialize, Serialize};

/// What the numbers of a column mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// A quantity; NaN means missing, in tables that allow it.
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
