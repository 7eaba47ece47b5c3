//! A dataset in memory: named columns of equal length, and the digest that names its content.

use sha2::{Digest, Sha256};

use crate::identity::{UnitKey, hex};
use crate::time::Timestamp;

/// One column.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Numbers; NaN is missing.
    Number(Vec<f64>),
    /// Categories; `None` is missing (for a treatment: control).
    Text(Vec<Option<String>>),
}

impl Column {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Column::Number(values) => values.len(),
            Column::Text(values) => values.len(),
        }
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// How a row's treatment came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Assignment {
    #[default]
    /// Seen in the events; the propensity is estimated.
    Observed,
    /// Our own decision; the propensity is known.
    Logged,
}

impl Assignment {
    /// `observed` or `logged`.
    pub fn as_str(self) -> &'static str {
        match self {
            Assignment::Observed => "observed",
            Assignment::Logged => "logged",
        }
    }
}

/// Rows of decision opportunities, ordered by (unit, t, treatments, source).
///
/// Columns are named `confounder_<view>`, `instrument_<view>`, `mediator_<view>`, `treatment_<name>` (the arm's id,
/// missing for control), `outcome_<name>` and, on logged rows, `propensity_<name>`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dataset {
    /// Whom each row is about.
    pub unit: Vec<UnitKey>,
    /// The decision opportunity's instant.
    pub t: Vec<Timestamp>,
    /// The id of the opportunity event, the decision, or the table's row.
    pub source: Vec<String>,
    /// How the treatment came about.
    pub assignment: Vec<Assignment>,
    /// Inverse of the probability with which the row was sampled.
    pub weight: Vec<f64>,
    /// Named columns in schema order.
    pub columns: Vec<(String, Column)>,
}

impl Dataset {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.unit.len()
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.unit.is_empty()
    }

    /// The column with this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|(n, _)| n == name).map(|(_, c)| c)
    }

    /// The numbers of this column, if it is one of numbers.
    pub fn numbers(&self, name: &str) -> Option<&[f64]> {
        match self.column(name)? {
            Column::Number(values) => Some(values),
            Column::Text(_) => None,
        }
    }

    /// The categories of this column, if it is one of text.
    pub fn texts(&self, name: &str) -> Option<&[Option<String>]> {
        match self.column(name)? {
            Column::Text(values) => Some(values),
            Column::Number(_) => None,
        }
    }

    /// The given rows, in the given order.
    ///
    /// # Panics
    /// On a row that is not there.
    pub fn select(&self, rows: &[usize]) -> Dataset {
        fn pick<T: Clone>(values: &[T], rows: &[usize]) -> Vec<T> {
            rows.iter().map(|&row| values[row].clone()).collect()
        }
        let columns = self.columns.iter().map(|(name, column)| {
            let column = match column {
                Column::Number(values) => Column::Number(pick(values, rows)),
                Column::Text(values) => Column::Text(pick(values, rows)),
            };
            (name.clone(), column)
        });
        Dataset {
            columns: columns.collect(),
            unit: pick(&self.unit, rows),
            t: pick(&self.t, rows),
            source: pick(&self.source, rows),
            assignment: pick(&self.assignment, rows),
            weight: pick(&self.weight, rows),
        }
    }

    /// The rows in canonical order: (unit, t, treatments, source).
    pub fn canonical_order(&self) -> Vec<usize> {
        let treatments: Vec<&[Option<String>]> = self
            .columns
            .iter()
            .filter(|(name, _)| name.starts_with("treatment_"))
            .filter_map(|(_, column)| match column {
                Column::Text(values) => Some(values.as_slice()),
                Column::Number(_) => None,
            })
            .collect();
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_by(|&a, &b| {
            (self.unit[a], self.t[a])
                .cmp(&(self.unit[b], self.t[b]))
                .then_with(|| {
                    treatments
                        .iter()
                        .map(|t| &t[a])
                        .cmp(treatments.iter().map(|t| &t[b]))
                })
                .then_with(|| self.source[a].cmp(&self.source[b]))
        });
        order
    }

    /// SHA-256 over the rows in canonical order in a fixed encoding: lengths and integers little-endian, numbers by
    /// their bits with one NaN and one zero. It names what the rows are, not where or when they were made.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"ceteris-dataset-1");
        for (name, column) in &self.columns {
            put_text(&mut hash, name);
            hash.update([matches!(column, Column::Text(_)) as u8]);
        }
        for row in self.canonical_order() {
            hash.update(self.unit[row].0);
            hash.update(self.t[row].0.to_le_bytes());
            put_text(&mut hash, &self.source[row]);
            hash.update([self.assignment[row] as u8]);
            put_number(&mut hash, self.weight[row]);
            for (_, column) in &self.columns {
                match column {
                    Column::Number(values) => put_number(&mut hash, values[row]),
                    Column::Text(values) => match &values[row] {
                        Some(text) => put_text(&mut hash, text),
                        None => hash.update(u32::MAX.to_le_bytes()),
                    },
                }
            }
        }
        hex(&hash.finalize())
    }
}

fn put_text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u32).to_le_bytes());
    hash.update(text.as_bytes());
}

fn put_number(hash: &mut Sha256, number: f64) {
    let canonical = if number.is_nan() {
        f64::NAN
    } else if number == 0.0 {
        0.0
    } else {
        number
    };
    hash.update(canonical.to_bits().to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Dataset {
        Dataset {
            unit: vec![UnitKey([2; 16]), UnitKey([1; 16])],
            t: vec![Timestamp(5), Timestamp(9)],
            source: vec!["a".into(), "b".into()],
            assignment: vec![Assignment::Observed; 2],
            weight: vec![1.0, 2.0],
            columns: vec![
                ("confounder_x".into(), Column::Number(vec![0.5, -0.0])),
                ("treatment_d".into(), Column::Text(vec![None, Some("arm".into())])),
            ],
        }
    }

    #[test]
    fn the_digest_ignores_row_order_and_sees_every_value() {
        let data = sample();
        let mut turned = data.clone();
        turned.unit.reverse();
        turned.t.reverse();
        turned.source.reverse();
        turned.weight.reverse();
        turned.columns = vec![
            ("confounder_x".into(), Column::Number(vec![0.0, 0.5])),
            ("treatment_d".into(), Column::Text(vec![Some("arm".into()), None])),
        ];
        assert_eq!(data.digest(), turned.digest());
        turned.weight[0] = 2.5;
        assert_ne!(data.digest(), turned.digest());
        let mut other = data.clone();
        other.columns[1].1 = Column::Text(vec![Some(String::new()), Some("arm".into())]);
        assert_ne!(data.digest(), other.digest());
    }
}
