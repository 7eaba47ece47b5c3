//! From covariates to features, and from a feature's values to codes: 16-bit ranks that keep every order a tree uses.
//!
//! Code 0 is missing; a value has code `1 + (cuts below it)`. A split compares codes, so training touches two bytes a
//! value, a node takes eight bytes, and a query is coded once for all trees. Up to [`CODES_MAX`] distinct values
//! nothing is lost; above, values are grouped by equal numbers of rows.

use std::ops::Range;

use super::ForestError;
use super::sweep::{Group, shifted};
use crate::{Column, ColumnKind};

/// Most codes of one feature.
pub const CODES_MAX: usize = 60_000;
/// Most features: a node's 16 bits name a feature, the side its missing values take, or a leaf.
const FEATURES_MAX: usize = 32_000;
/// What a missing value compares as where the split sends it right.
pub(super) const BEYOND: u16 = u16::MAX;

/// Where a feature comes from.
#[derive(Clone, Debug, PartialEq)]
enum Feature {
    /// A number of a column, with its cuts.
    Number { column: usize, cuts: Range<usize> },
    /// Whether a column has a level.
    Level { column: usize, level: usize },
}

/// How rows are coded. A category with L levels is L features.
#[derive(Clone, Debug, PartialEq)]
pub struct Coder {
    columns: Vec<Column>,
    features: Vec<Feature>,
    cuts: Vec<f64>,
    cut_starts: Vec<u32>,
    /// Least and largest value of each column in the training rows; NaN where there was none.
    ranges: Vec<[f64; 2]>,
}

impl Coder {
    /// Puts a coder together. `cuts` holds the rising cuts of one numeric column after another, `cut_starts` the first
    /// of each and one past the last, `ranges` the least and largest value of each column.
    ///
    /// # Errors
    /// [`ForestError`] where the parts do not agree, or there are more features than a node can name.
    pub fn from_parts(
        columns: Vec<Column>,
        cuts: Vec<f64>,
        cut_starts: Vec<u32>,
        ranges: Vec<[f64; 2]>,
    ) -> Result<Self, ForestError> {
        let numbers = columns.iter().filter(|c| c.kind == ColumnKind::Numeric).count();
        if cut_starts.len() != numbers + 1
            || cut_starts.first() != Some(&0)
            || cut_starts.last().map(|&l| l as usize) != Some(cuts.len())
            || ranges.len() != columns.len()
        {
            return Err(ForestError::Parts("cuts and columns do not agree"));
        }
        let mut features = Vec::new();
        let mut number = 0;
        for (column, c) in columns.iter().enumerate() {
            match &c.kind {
                ColumnKind::Numeric => {
                    let range = cut_starts[number] as usize..cut_starts[number + 1] as usize;
                    let mine = cuts.get(range.clone());
                    let rising =
                        mine.is_some_and(|m| m.len() < CODES_MAX && m.windows(2).all(|w| w[0] < w[1]));
                    if !rising {
                        return Err(ForestError::Parts("the cuts of a column do not rise"));
                    }
                    features.push(Feature::Number { column, cuts: range });
                    number += 1;
                }
                ColumnKind::Categorical { levels } => {
                    features.extend((0..levels.len()).map(|level| Feature::Level { column, level }));
                }
            }
        }
        if features.len() > FEATURES_MAX {
            return Err(ForestError::TooLarge {
                what: "the features",
                limit: FEATURES_MAX,
                fix: "leave out columns or merge levels",
            });
        }
        Ok(Coder {
            columns,
            features,
            cuts,
            cut_starts,
            ranges,
        })
    }

    /// Names and kinds of the columns of a row.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub(super) fn cuts(&self) -> &[f64] {
        &self.cuts
    }

    pub(super) fn cut_starts(&self) -> &[u32] {
        &self.cut_starts
    }

    pub(super) fn ranges(&self) -> &[[f64; 2]] {
        &self.ranges
    }

    /// Number of features.
    pub fn width(&self) -> usize {
        self.features.len()
    }

    /// Whether every column lies in its training range; missing values lie in none.
    pub(super) fn in_support(&self, x: &[f64]) -> bool {
        let inside = |(v, r): (&f64, &[f64; 2])| (r[0]..=r[1]).contains(v);
        x.len() == self.columns.len() && x.iter().zip(&self.ranges).all(inside)
    }

    fn code(&self, feature: &Feature, row: &[f64]) -> u16 {
        match feature {
            Feature::Number { column, cuts } => {
                let v = row[*column];
                if v.is_nan() {
                    return 0;
                }
                1 + self.cuts[cuts.clone()].partition_point(|c| *c < v) as u16
            }
            Feature::Level { column, level } => {
                let v = row[*column];
                if v.is_nan() {
                    0
                } else {
                    1 + u16::from(v == *level as f64)
                }
            }
        }
    }

    /// Codes one row (p values), a code for each feature.
    pub fn codes<'a>(&'a self, row: &'a [f64]) -> impl Iterator<Item = u16> + 'a {
        self.features.iter().map(|feature| self.code(feature, row))
    }

    /// Codes one row (p values) into `out`, `2 × width` codes: missing as 0, then missing as [`BEYOND`], so that a
    /// node needs no test for it.
    pub(super) fn encode(&self, row: &[f64], out: &mut [u16]) {
        let (low, high) = out.split_at_mut(self.width());
        for ((feature, low), high) in self.features.iter().zip(low).zip(high) {
            *low = self.code(feature, row);
            *high = if *low == 0 { BEYOND } else { *low };
        }
    }

    /// Codes one row as [`Coder::encode`] does, as row `lane` of a group.
    pub(super) fn encode_lane(&self, row: &[f64], group: &mut [Group], lane: usize) {
        let (low, high) = group.split_at_mut(self.width());
        for ((feature, low), high) in self.features.iter().zip(low).zip(high) {
            let code = self.code(feature, row);
            low.as_flattened_mut()[lane] = shifted(code);
            high.as_flattened_mut()[lane] = shifted(if code == 0 { BEYOND } else { code });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_coded_by_hand() {
        let levels = vec!["a".into(), "b".into()];
        let columns = vec![Column::numeric("x"), Column::categorical("k", levels)];
        let nan = f64::NAN;
        let coder = Coder::from_parts(columns, vec![2.0], vec![0, 1], vec![[1.0, 3.0], [0.0, 1.0]]).unwrap();
        let mut out = [7; 6];
        coder.encode(&[2.5, nan], &mut out);
        assert_eq!(out, [2, 0, 0, 2, BEYOND, BEYOND]);
        assert!(
            coder.in_support(&[2.5, 1.0]) && !coder.in_support(&[3.5, 1.0]) && !coder.in_support(&[nan, 1.0])
        );
    }
}
