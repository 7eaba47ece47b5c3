//! Random changes of a sample, keyed by unit: the order of rows does not move them.

use std::collections::BTreeMap;

use ceteris_stats::normal_quantile;
use ceteris_stats::{Unit, hash, uniform};

const PERMUTE_SALT: u64 = 0x7065_726d;
const NOISE_SALT: u64 = 0x6e6f_6973;
const SUBSET_SALT: u64 = 0x7375_6273;

/// `values` in the order of hash(seed, unit, the unit's how manieth row), dealt out to rows in the order of units.
pub(super) fn permuted(values: &[f64], units: &[Unit], seed: u64) -> Vec<f64> {
    let mut seen: BTreeMap<Unit, u64> = BTreeMap::new();
    let mut keys: Vec<(u64, Unit, u64, usize)> = units
        .iter()
        .enumerate()
        .map(|(i, unit)| {
            let nth = seen.entry(*unit).or_insert(0);
            *nth += 1;
            (hash(seed, unit.bytes(), PERMUTE_SALT ^ *nth), *unit, *nth, i)
        })
        .collect();
    keys.sort_unstable();
    let shuffled: Vec<f64> = keys.iter().map(|k| values[k.3]).collect();
    keys.sort_unstable_by_key(|k| (k.1, k.2));
    let mut out = vec![0.0; values.len()];
    keys.iter().zip(shuffled).for_each(|(k, v)| out[k.3] = v);
    out
}

/// A standard normal number for each unit.
pub(super) fn noise(units: &[Unit], seed: u64) -> Vec<f64> {
    let draw = |u: &Unit| normal_quantile(uniform(seed, u.bytes(), NOISE_SALT).max(f64::MIN_POSITIVE));
    units.iter().map(draw).collect()
}

/// Rows of the units that a share draws.
pub(super) fn subset(units: &[Unit], share: f64, seed: u64) -> Vec<usize> {
    let drawn = |i: &usize| uniform(seed, units[*i].bytes(), SUBSET_SALT) < share;
    (0..units.len()).filter(drawn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permutation_keeps_the_values_and_ignores_the_order_of_rows() {
        let units: Vec<Unit> = (0..50u64).map(Unit::from).collect();
        let values: Vec<f64> = (0..50).map(f64::from).collect();
        let p = permuted(&values, &units, 3);
        let mut sorted = p.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        assert_eq!(sorted, values);
        assert!(p.iter().zip(&values).filter(|(a, b)| a == b).count() < 10);
        let back: Vec<Unit> = units.iter().rev().copied().collect();
        let reversed: Vec<f64> = values.iter().rev().copied().collect();
        let q: Vec<f64> = permuted(&reversed, &back, 3).into_iter().rev().collect();
        assert_eq!(p, q);
    }

    #[test]
    fn rows_of_a_unit_share_its_draws() {
        let units = [1, 2, 1, 3].map(Unit::from);
        let z = noise(&units, 1);
        assert!(z[0] == z[2] && z[0] != z[1]);
        let kept = subset(&units, 0.5, 1);
        assert_eq!(kept.contains(&0), kept.contains(&2));
    }
}
