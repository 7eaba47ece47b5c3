//! The training rows as codes: where the cuts between a feature's codes lie, and each feature's order of rows.

use ceteris_effect::ColumnKind;
use ceteris_effect::forest::build::{CODES_MAX, Coder};
use ceteris_effect::forest::{Covariates, ForestError};
use ndarray::ArrayView1;

/// Learns the cuts from a table.
pub(super) fn coder_of(x: &Covariates) -> Result<Coder, ForestError> {
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
        let mut values = vec![0.0; coder.columns().len()];
        for (row, codes) in rows.zip(by_row.chunks_mut(width.max(1))) {
            values.iter_mut().zip(row).for_each(|(v, r)| *v = *r);
            codes
                .iter_mut()
                .zip(coder.codes(&values))
                .for_each(|(to, code)| *to = code);
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
    use ceteris_effect::Column;
    use ndarray::array;

    use super::*;

    #[test]
    fn codes_by_hand() {
        let levels = vec!["a".into(), "b".into()];
        let columns = vec![Column::numeric("x"), Column::categorical("k", levels)];
        let nan = f64::NAN;
        let x = Covariates::new(array![[3.0, 0.0], [nan, 1.0], [1.0, nan], [3.0, 1.0]], columns).unwrap();
        let coder = coder_of(&x).unwrap();
        assert!(coder.codes(&[2.0, nan]).eq([1, 0, 0]));
        let codes = Codes::new(&coder, x.values().outer_iter());
        assert_eq!(codes.by_row, [2, 2, 1, 0, 1, 2, 1, 0, 0, 2, 1, 2]);
        assert_eq!(codes.order[..4], [1, 2, 0, 3]);
        assert!(coder.codes(&[2.5, nan]).eq([2, 0, 0]));
    }

    #[test]
    fn many_values_share_codes_evenly() {
        let sorted: Vec<f64> = (0..150_000).map(f64::from).collect();
        let cuts = cuts_of(&sorted);
        assert!(cuts.len() < CODES_MAX && cuts.len() > 40_000, "{}", cuts.len());
        assert!(cuts.windows(2).all(|w| w[1] - w[0] == 3.0));
    }
}
