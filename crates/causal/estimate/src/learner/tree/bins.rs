//! Columns as small integers: a tree looks at bins, never at numbers, while it grows.

use ceteris_effect::ColumnKind;

use crate::learner::Design;
use crate::learner::basis::WEIGHT_TIE;
use crate::learner::design::level_of;

/// Most bins of a column; one more stands for missing values.
pub(crate) const BINS_MAX: usize = 254;

/// How one column is cut.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cut {
    /// Bin b holds values up to `edges[b]`, the last one the rest.
    Numeric { edges: Vec<f64> },
    /// Bin b is level b.
    Levels { count: usize },
}

impl Cut {
    /// Bins of known values.
    pub(crate) fn bins(&self) -> usize {
        match self {
            Cut::Numeric { edges } => edges.len() + 1,
            Cut::Levels { count } => *count,
        }
    }

    /// The bin of a value; the one after the last for a missing value or an unknown level.
    pub(crate) fn bin(&self, value: f64) -> u8 {
        let missing = self.bins();
        let bin = match self {
            _ if value.is_nan() => missing,
            Cut::Numeric { edges } => edges.partition_point(|e| *e < value),
            Cut::Levels { count } => level_of(value, *count).unwrap_or(missing),
        };
        bin as u8
    }
}

/// A table's columns in bins, column by column.
pub(crate) struct Binned {
    pub(crate) cuts: Vec<Cut>,
    pub(crate) columns: Vec<Vec<u8>>,
}

impl Binned {
    /// Cuts each numeric column at weighted quantiles into at most `bins` bins, or between its values where there are no
    /// more of them; categorical columns keep their first 254 levels.
    pub(crate) fn new(x: &Design, w: &[f64], bins: usize) -> Self {
        let cuts: Vec<Cut> = (0..x.p())
            .map(|j| match &x.columns()[j].kind {
                ColumnKind::Categorical { levels } => Cut::Levels {
                    count: levels.len().min(BINS_MAX),
                },
                ColumnKind::Numeric => Cut::Numeric {
                    edges: edges(x.column(j).zip(w.iter().copied()), bins),
                },
            })
            .collect();
        let columns = cuts
            .iter()
            .enumerate()
            .map(|(j, cut)| x.column(j).map(|v| cut.bin(v)).collect())
            .collect();
        Binned { cuts, columns }
    }
}

/// Midpoints between neighbouring values, so that each bin holds about an equal share of the weight.
fn edges(values: impl Iterator<Item = (f64, f64)>, bins: usize) -> Vec<f64> {
    let mut sorted: Vec<(f64, f64)> = values.filter(|(v, w)| !v.is_nan() && *w > 0.0).collect();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut distinct: Vec<(f64, f64)> = Vec::new();
    for (v, w) in sorted {
        match distinct.last_mut() {
            Some(last) if last.0 == v => last.1 += w,
            _ => distinct.push((v, w)),
        }
    }
    let bins = bins.clamp(2, BINS_MAX);
    let total: f64 = distinct.iter().map(|(_, w)| w).sum();
    let share = if distinct.len() <= bins {
        0.0
    } else {
        total / bins as f64
    };
    let (mut out, mut held) = (Vec::new(), 0.0);
    for pair in distinct.windows(2) {
        held += pair[0].1;
        if held >= share * (1.0 - WEIGHT_TIE) && out.len() + 1 < bins {
            out.push(between(pair[0].0, pair[1].0));
            held = 0.0;
        }
    }
    out
}

/// A number from `low` on and below `high`, which are neighbours.
fn between(low: f64, high: f64) -> f64 {
    let mid = 0.5 * low + 0.5 * high;
    if mid < high { mid } else { low }
}

#[cfg(test)]
mod tests {
    use ceteris_effect::Column;
    use ndarray::array;

    use super::*;

    #[test]
    fn values_levels_and_what_is_neither() {
        let x = Design::with_missing(
            array![[1.0, 0.0], [2.0, 1.0], [f64::NAN, f64::NAN], [4.0, 1.0]],
            vec![
                Column::numeric("x"),
                Column::categorical("k", vec!["a".into(), "b".into()]),
            ],
        )
        .unwrap();
        let binned = Binned::new(&x, &[1.0; 4], 64);
        assert_eq!(
            binned.cuts[0],
            Cut::Numeric {
                edges: vec![1.5, 3.0]
            }
        );
        assert_eq!(binned.columns, [[0, 1, 3, 2], [0, 1, 2, 1]]);
        assert_eq!(binned.cuts[0].bin(100.0), 2);
        assert_eq!(binned.cuts[1].bin(7.0), 2);
    }

    #[test]
    fn rounding_moves_no_edge() {
        let of = |w: f64| edges((0..60).map(|i| (f64::from(i), w)), 6);
        for w in [0.1, 0.3, 1.0 / 3.0, 0.7, 1.1] {
            assert_eq!(of(w), of(1.0), "{w}");
        }
    }

    #[test]
    fn many_values_share_bins_of_equal_weight() {
        let values = (0..1000).map(|i| (f64::from(i), 1.0));
        let e = edges(values, 10);
        assert_eq!(e.len(), 9);
        assert!((e[0] - 99.5).abs() < 1.1 && (e[8] - 899.5).abs() < 1.1, "{e:?}");
        assert!(edges([(2.0, 1.0), (2.0, 3.0)].into_iter(), 10).is_empty());
    }
}
