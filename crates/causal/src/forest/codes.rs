//! From covariates to features, and from a feature's values to codes: 16-bit ranks that keep every order a tree uses.
//!
//! Code 0 is missing; a value has code `1 + (cuts below it)`. A split compares codes, so training touches two bytes a
//! value, a node takes eight bytes, and a query is coded once for all trees. Up to [`CODES_MAX`] distinct values
//! nothing is lost; above, values are grouped by equal numbers of rows.

use std::ops::Range;

use ndarray::ArrayView1;

use super::sweep::{Group, shifted};
use super::{Covariates, ForestError};
use crate::learner::{Column, ColumnKind};

/// Most codes of one feature.
const CODES_MAX: usize = 60_000;
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
pub(super) struct Coder {
    columns: Vec<Column>,
    features: Vec<Feature>,
    cuts: Vec<f64>,
    cut_starts: Vec<u32>,
    /// Least and largest value of each column in the training rows; NaN where there was none.
    ranges: Vec<[f64; 2]>,
}

impl Coder {
    /// Learns the cuts from a table.
    pub(super) fn fit(x: &Covariates) -> Result<Self, ForestError> {
        let (mut cuts, mut cut_starts, mut ranges) = (Vec::new(), vec![0], Vec::new());
        for (j, column) in x.columns().iter().enumerate() {
            let mut values: Vec<f64> = x
                .values()
                .column(j)
                .iter()
                .copied()
                .filter(|v| !v.is_nan())
                .collect();
            values.sort_unstable_by(f64::total_cmp);
            ranges.push(match (values.first(), values.last()) {
                (Some(&min), Some(&max)) => [min, max],
                _ => [f64::NAN; 2],
            });
            if column.kind == ColumnKind::Numeric {
                cuts.extend(cuts_of(&values));
                cut_starts.push(cuts.len() as u32);
            }
        }
        Coder::from_parts(x.columns().to_vec(), cuts, cut_starts, ranges)
    }

    /// Puts a coder together, checking that the parts agree.
    pub(super) fn from_parts(
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

    pub(super) fn columns(&self) -> &[Column] {
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
    pub(super) fn width(&self) -> usize {
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

/// The training rows as codes, row by row, with each feature's order of rows.
pub(super) struct Codes {
    pub(super) width: usize,
    pub(super) by_row: Vec<u16>,
    /// For each feature the rows by rising code, then by position.
    pub(super) order: Vec<u32>,
}

impl Codes {
    /// Codes the rows in the given order.
    pub(super) fn new<'a>(coder: &Coder, rows: impl ExactSizeIterator<Item = ArrayView1<'a, f64>>) -> Self {
        let (n, width) = (rows.len(), coder.width());
        let mut by_row = vec![0; n * width];
        let mut values = vec![0.0; coder.columns.len()];
        for (row, codes) in rows.zip(by_row.chunks_mut(width.max(1))) {
            values.iter_mut().zip(row).for_each(|(v, r)| *v = *r);
            for (feature, code) in coder.features.iter().zip(codes) {
                *code = coder.code(feature, &values);
            }
        }
        let mut order = vec![0; n * width];
        for (f, order) in order.chunks_mut(n.max(1)).enumerate() {
            counting_sort(order, |i| by_row[i * width + f]);
        }
        Codes { width, by_row, order }
    }

    pub(super) fn row(&self, i: usize) -> &[u16] {
        &self.by_row[i * self.width..(i + 1) * self.width]
    }
}

fn counting_sort(order: &mut [u32], code: impl Fn(usize) -> u16) {
    let mut starts = vec![0u32; usize::from(u16::MAX) + 2];
    for i in 0..order.len() {
        starts[usize::from(code(i)) + 1] += 1;
    }
    for c in 1..starts.len() {
        starts[c] += starts[c - 1];
    }
    for i in 0..order.len() {
        let at = &mut starts[usize::from(code(i))];
        order[*at as usize] = i as u32;
        *at += 1;
    }
}

/// Points between neighbouring groups of sorted values; a value equal to a cut lies below it.
fn cuts_of(sorted: &[f64]) -> Vec<f64> {
    // Groups of this many rows at least: one where every distinct value has a code of its own.
    let distinct = sorted.chunk_by(|a, b| a == b).count();
    let rows_min = if distinct < CODES_MAX {
        1
    } else {
        sorted.len().div_ceil(CODES_MAX - 1)
    };
    let mut cuts = Vec::new();
    let mut held = 0;
    for i in 1..sorted.len() {
        let (low, high) = (sorted[i - 1], sorted[i]);
        held += 1;
        if low < high && held >= rows_min {
            let middle = low + 0.5 * (high - low);
            cuts.push(if middle < high { middle } else { low });
            held = 0;
        }
    }
    cuts
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn codes_by_hand() {
        let levels = vec!["a".into(), "b".into()];
        let columns = vec![Column::numeric("x"), Column::categorical("k", levels)];
        let nan = f64::NAN;
        let x = Covariates::new(array![[3.0, 0.0], [nan, 1.0], [1.0, nan], [3.0, 1.0]], columns).unwrap();
        let coder = Coder::fit(&x).unwrap();
        assert_eq!(coder.cuts(), [2.0]);
        let codes = Codes::new(&coder, x.values().outer_iter());
        assert_eq!(codes.by_row, [2, 2, 1, 0, 1, 2, 1, 0, 0, 2, 1, 2]);
        assert_eq!(codes.order[..4], [1, 2, 0, 3]);
        let mut out = [7; 6];
        coder.encode(&[2.5, nan], &mut out);
        assert_eq!(out, [2, 0, 0, 2, BEYOND, BEYOND]);
        assert!(
            coder.in_support(&[2.5, 1.0]) && !coder.in_support(&[3.5, 1.0]) && !coder.in_support(&[nan, 1.0])
        );
    }

    #[test]
    fn many_values_share_codes_evenly() {
        let sorted: Vec<f64> = (0..150_000).map(f64::from).collect();
        let cuts = cuts_of(&sorted);
        assert!(cuts.len() < CODES_MAX && cuts.len() > 40_000, "{}", cuts.len());
        assert!(cuts.windows(2).all(|w| w[1] - w[0] == 3.0));
    }
}
