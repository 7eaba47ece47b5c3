//! Folds of cross-fitting: a partition of the units, never of the rows.

use std::collections::BTreeMap;

use ceteris_stats::{Unit, hash, numbered};
use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

/// Salt that keeps the draw of folds apart from other draws of the same unit.
const FOLD_SALT: u64 = 0x666f_6c64;

/// Which fold each row belongs to. Every fold holds at least one unit, and a unit's rows share a fold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folds {
    fold: Vec<u32>,
    k: usize,
    /// Folds of the second way, where folds are pairs: fold = first * second + second's.
    second: Option<u32>,
}

/// Why a sample could not be cut into folds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// Fewer than two folds hold nothing out.
    #[error("{k} folds leave nothing held out; at least 2 are needed")]
    TooFew {
        /// Number of folds asked for or found.
        k: usize,
    },
    /// There are fewer units than folds.
    #[error("{units} units cannot fill {k} folds")]
    TooFewUnits {
        /// Number of distinct units.
        units: usize,
        /// Number of folds.
        k: usize,
    },
    /// A given fold column has another length than the sample.
    #[error("the fold column has {labels} values for {rows} rows")]
    Length {
        /// Values given.
        labels: usize,
        /// Rows in the sample.
        rows: usize,
    },
    /// A given fold column puts rows of one unit into two folds.
    #[error("the fold column splits the unit of row {row}: its rows lie in folds {first} and {second}")]
    SplitUnit {
        /// The row at which the split is seen.
        row: usize,
        /// Label of the unit's earlier rows.
        first: u32,
        /// Label of this row.
        second: u32,
    },
}

impl Folds {
    /// Cuts the units into `k` folds by the order of `hash(seed, unit)`, within strata.
    ///
    /// Units are sorted by (stratum, hash, key) and dealt out in turn, so fold sizes differ by at most one unit
    /// over the sample and by at most one within each stratum. A unit's stratum is the largest among its rows'
    /// (`strata` empty means one stratum); with the arm as stratum, every training part sees every arm.
    ///
    /// # Errors
    /// Fewer than two folds, fewer units than folds, or strata of another length.
    pub fn by_unit(units: &[Unit], strata: &[usize], k: usize, seed: u64) -> Result<Self, FoldError> {
        if k < 2 {
            return Err(FoldError::TooFew { k });
        }
        if !strata.is_empty() && strata.len() != units.len() {
            return Err(FoldError::Length {
                labels: strata.len(),
                rows: units.len(),
            });
        }
        let (of_row, distinct) = numbered(units);
        if distinct.len() < k {
            return Err(FoldError::TooFewUnits {
                units: distinct.len(),
                k,
            });
        }
        let mut stratum = vec![0; distinct.len()];
        for (&unit, &s) in of_row.iter().zip(strata) {
            stratum[unit] = s.max(stratum[unit]);
        }
        let mut order: Vec<(usize, u64, usize)> = distinct
            .iter()
            .zip(stratum)
            .enumerate()
            .map(|(number, (unit, s))| (s, hash(seed, unit.bytes(), FOLD_SALT), number))
            .collect();
        order.sort_unstable();
        let mut dealt = vec![0; distinct.len()];
        for (rank, &(_, _, unit)) in order.iter().enumerate() {
            dealt[unit] = (rank % k) as u32;
        }
        Ok(Folds {
            fold: of_row.into_iter().map(|unit| dealt[unit]).collect(),
            k,
            second: None,
        })
    }

    /// Cuts the units into `k` folds and the clusters of a second way into `k` more; a fold holds out the rows in one of
    /// each, and is trained on rows in neither. Where few rows share a pair, a fold may be empty.
    ///
    /// # Errors
    /// As [`Folds::by_unit`], for either way.
    pub fn by_two_ways(units: &[Unit], second: &[Unit], k: usize, seed: u64) -> Result<Self, FoldError> {
        if second.len() != units.len() {
            return Err(FoldError::Length {
                labels: second.len(),
                rows: units.len(),
            });
        }
        let one = Folds::by_unit(units, &[], k, seed)?;
        let two = Folds::by_unit(second, &[], k, hash(seed, &[2], FOLD_SALT))?;
        let fold = one.fold.iter().zip(&two.fold).map(|(a, b)| a * k as u32 + b);
        Ok(Folds {
            fold: fold.collect(),
            k: k * k,
            second: Some(k as u32),
        })
    }

    /// Takes the folds of a column. Labels are any numbers; they are renumbered in increasing order.
    ///
    /// # Errors
    /// Another length than the units, fewer than two labels, or a unit in two folds.
    pub fn given(labels: &[u32], units: &[Unit]) -> Result<Self, FoldError> {
        if labels.len() != units.len() {
            return Err(FoldError::Length {
                labels: labels.len(),
                rows: units.len(),
            });
        }
        let mut of_unit: BTreeMap<Unit, u32> = BTreeMap::new();
        for (row, (&label, &unit)) in labels.iter().zip(units).enumerate() {
            let first = *of_unit.entry(unit).or_insert(label);
            if first != label {
                return Err(FoldError::SplitUnit {
                    row,
                    first,
                    second: label,
                });
            }
        }
        let mut number: BTreeMap<u32, u32> = labels.iter().map(|&l| (l, 0)).collect();
        for (i, n) in number.values_mut().enumerate() {
            *n = i as u32;
        }
        if number.len() < 2 {
            return Err(FoldError::TooFew { k: number.len() });
        }
        let fold = labels
            .iter()
            .map(|l| number.get(l).copied().unwrap_or(0))
            .collect();
        Ok(Folds {
            fold,
            k: number.len(),
            second: None,
        })
    }

    /// Number of folds.
    pub fn k(&self) -> usize {
        self.k
    }

    /// The fold of each row, in `0..k`.
    pub fn of_rows(&self) -> &[u32] {
        &self.fold
    }

    /// Rows held out in fold `j`, in row order.
    pub fn held_out(&self, j: usize) -> Vec<usize> {
        (0..self.fold.len())
            .filter(|&i| self.fold[i] as usize == j)
            .collect()
    }

    /// Rows that train the nuisances for fold `j`, in row order: those of other folds, and with two ways of other
    /// folds in both.
    pub fn training(&self, j: usize) -> Vec<usize> {
        let apart = |f: u32| match self.second {
            None => f as usize != j,
            Some(k) => f / k != j as u32 / k && f % k != j as u32 % k,
        };
        (0..self.fold.len()).filter(|&i| apart(self.fold[i])).collect()
    }
}

impl Folds {
    /// Puts predictions for the rows held out in fold `j`, in row order, into a table of all rows.
    pub(crate) fn place(&self, j: usize, predicted: ArrayView2<f64>, all: &mut Array2<f64>) {
        for (&i, row) in self.held_out(j).iter().zip(predicted.outer_iter()) {
            all.row_mut(i).assign(&row);
        }
    }

    /// Predictions of `width` columns for every row by fits that have not seen its unit, fold after fold:
    /// `fit(training rows, rows held out)` answers for the latter.
    pub(crate) fn predict<E>(
        &self,
        width: usize,
        fit: impl Fn(&[usize], &[usize]) -> Result<Array2<f64>, E>,
    ) -> Result<Array2<f64>, E> {
        let mut all = Array2::zeros((self.fold.len(), width));
        for j in 0..self.k {
            let predicted = fit(&self.training(j), &self.held_out(j))?;
            self.place(j, predicted.view(), &mut all);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn folds_partition_and_keep_units_whole(ids in prop::collection::vec(0u64..40, 30..200), k in 2usize..6, seed: u64) {
            let units: Vec<Unit> = ids.iter().map(|&i| Unit::from(i)).collect();
            let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
            prop_assume!(distinct.len() >= k);
            let folds = Folds::by_unit(&units, &[], k, seed).unwrap();
            let mut seen = vec![0; units.len()];
            for j in 0..k {
                for i in folds.held_out(j) { seen[i] += 1; }
                prop_assert_eq!(folds.held_out(j).len() + folds.training(j).len(), units.len());
            }
            prop_assert!(seen.iter().all(|&s| s == 1));
            let mut sizes = vec![0usize; k];
            for &id in &distinct {
                let rows: Vec<u32> = (0..ids.len()).filter(|&i| ids[i] == *id).map(|i| folds.of_rows()[i]).collect();
                prop_assert!(rows.windows(2).all(|p| p[0] == p[1]));
                sizes[rows[0] as usize] += 1;
            }
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
        }

        #[test]
        fn folds_ignore_row_order(ids in prop::collection::vec(0u64..1000, 20..100), seed: u64) {
            let units: Vec<Unit> = ids.iter().map(|&i| Unit::from(i)).collect();
            let reversed: Vec<Unit> = units.iter().rev().copied().collect();
            prop_assume!(ids.iter().collect::<std::collections::BTreeSet<_>>().len() >= 5);
            let a = Folds::by_unit(&units, &[], 5, seed).unwrap();
            let b = Folds::by_unit(&reversed, &[], 5, seed).unwrap();
            prop_assert!(a.of_rows().iter().eq(b.of_rows().iter().rev()));
        }
    }

    #[test]
    fn strata_are_spread_over_all_folds() {
        let units = Unit::one_per_row(100);
        let strata: Vec<usize> = (0..100).map(|i| usize::from(i < 10)).collect();
        let folds = Folds::by_unit(&units, &strata, 5, 9).unwrap();
        for j in 0..5 {
            assert_eq!(folds.held_out(j).iter().filter(|&&i| strata[i] == 1).count(), 2);
        }
    }

    #[test]
    fn two_ways_train_on_rows_that_share_neither() {
        let units: Vec<Unit> = (0..60u64).map(|i| Unit::from(i / 6)).collect();
        let days: Vec<Unit> = (0..60u64).map(|i| Unit::from(i % 6)).collect();
        let folds = Folds::by_two_ways(&units, &days, 2, 3).unwrap();
        assert_eq!(folds.k(), 4);
        let mut held = 0;
        for j in 0..4 {
            let out = folds.held_out(j);
            held += out.len();
            assert!(!folds.training(j).is_empty());
            for &i in &folds.training(j) {
                assert!(out.iter().all(|&o| units[o] != units[i] && days[o] != days[i]));
            }
        }
        assert_eq!(held, 60);
        assert!(Folds::by_two_ways(&units, &days[..5], 2, 3).is_err());
    }

    #[test]
    fn given_labels_are_renumbered_and_units_not_split() {
        let units = [Unit::from(1), Unit::from(1), Unit::from(2)];
        let folds = Folds::given(&[7, 7, 3], &units).unwrap();
        assert_eq!(folds.of_rows(), [1, 1, 0]);
        assert!(matches!(
            Folds::given(&[7, 3, 3], &units),
            Err(FoldError::SplitUnit { row: 1, .. })
        ));
        assert!(matches!(
            Folds::given(&[1, 1, 1], &units),
            Err(FoldError::TooFew { k: 1 })
        ));
    }
}
