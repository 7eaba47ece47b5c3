//! Balance and overlap of the arms over the finished rows, by weight, before any adjustment.

use std::collections::{BTreeMap, BTreeSet};

use ceteris_contract::dataset::{Assignment, Column, Dataset};
use ceteris_contract::record::NONE_ARM;
use serde::{Deserialize, Serialize};

/// One entry per arm that has rows.
pub type Balance = BTreeMap<String, ArmBalance>;

/// An arm against the rows without any treatment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ArmBalance {
    /// Rows of the arm.
    pub rows: u64,
    /// By column: the difference of weighted means in units of `sqrt((variance of the arm + variance of controls)/2)`
    /// (the standardised mean difference); of a category the largest over its levels. Columns without spread or
    /// without values are left out.
    pub standardised_difference: BTreeMap<String, f64>,
    /// By column: rows of the arm with a number outside the controls' range, or a category no control has.
    pub outside_controls: BTreeMap<String, u64>,
}

/// Compares each arm with the controls on every column measured before the decision.
pub(crate) fn balance(dataset: &Dataset) -> Balance {
    let mut rows = rows_by_arm(dataset);
    for rows in rows.values_mut() {
        rows.retain(|&row| dataset.assignment[row] == Assignment::Observed);
    }
    rows.retain(|_, rows| !rows.is_empty());
    let Some(controls) = rows.get(NONE_ARM) else {
        return rows
            .iter()
            .map(|(arm, rows)| (arm.clone(), counted(rows)))
            .collect();
    };
    let mut balance = Balance::new();
    for (arm, mine) in rows.iter().filter(|(arm, _)| *arm != NONE_ARM) {
        let mut of = counted(mine);
        for (name, column) in dataset.columns.iter().filter(|(name, _)| before_decision(name)) {
            let (difference, outside) = match column {
                Column::Number(values) => numbers(values, &dataset.weight, mine, controls),
                Column::Text(values) => categories(values, &dataset.weight, mine, controls),
            };
            of.standardised_difference
                .extend(difference.map(|difference| (name.clone(), difference)));
            of.outside_controls.insert(name.clone(), outside);
        }
        balance.insert(arm.clone(), of);
    }
    balance
}

/// Row numbers by arm id; under `none` those without any treatment.
pub(crate) fn rows_by_arm(dataset: &Dataset) -> BTreeMap<String, Vec<usize>> {
    let mut rows: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let treatments: Vec<&Vec<Option<String>>> = (dataset.columns.iter())
        .filter(|(name, _)| name.starts_with("treatment_"))
        .filter_map(|(_, column)| {
            if let Column::Text(arms) = column {
                Some(arms)
            } else {
                None
            }
        })
        .collect();
    for row in 0..dataset.len() {
        let mut treated = false;
        for arm in treatments.iter().filter_map(|arms| arms[row].as_ref()) {
            treated = true;
            rows.entry(arm.clone()).or_default().push(row);
        }
        if !treated {
            rows.entry(NONE_ARM.to_owned()).or_default().push(row);
        }
    }
    rows
}

fn counted(rows: &[usize]) -> ArmBalance {
    ArmBalance {
        rows: rows.len() as u64,
        ..ArmBalance::default()
    }
}

fn before_decision(name: &str) -> bool {
    name.starts_with("confounder_") || name.starts_with("instrument_")
}

fn numbers(values: &[f64], weight: &[f64], mine: &[usize], controls: &[usize]) -> (Option<f64>, u64) {
    let of = |rows: &[usize]| moments(rows.iter().map(|&row| (values[row], weight[row])));
    let mut lowest = f64::INFINITY;
    let mut highest = f64::NEG_INFINITY;
    for &row in controls {
        lowest = lowest.min(values[row]);
        highest = highest.max(values[row]);
    }
    let outside = mine
        .iter()
        .filter(|&&row| values[row] < lowest || values[row] > highest)
        .count();
    (standardised(of(mine), of(controls)), outside as u64)
}

fn categories(
    values: &[Option<String>],
    weight: &[f64],
    mine: &[usize],
    controls: &[usize],
) -> (Option<f64>, u64) {
    let levels = |rows: &[usize]| -> BTreeSet<&str> {
        rows.iter().filter_map(|&row| values[row].as_deref()).collect()
    };
    let known = levels(controls);
    let mut largest: Option<f64> = None;
    for level in known.union(&levels(mine)) {
        let share = |rows: &[usize]| {
            moments(
                rows.iter()
                    .map(|&row| (f64::from(values[row].as_deref() == Some(*level)), weight[row])),
            )
        };
        if let Some(difference) = standardised(share(mine), share(controls)) {
            largest = Some(largest.map_or(difference, |l| {
                if difference.abs() > l.abs() { difference } else { l }
            }));
        }
    }
    let outside = mine
        .iter()
        .filter(|&&row| values[row].as_deref().is_some_and(|v| !known.contains(v)))
        .count();
    (largest, outside as u64)
}

/// Weighted mean and variance of what is not missing, in row order; `None` without values.
fn moments(values: impl Iterator<Item = (f64, f64)> + Clone) -> Option<(f64, f64)> {
    let present = || values.clone().filter(|(x, _)| !x.is_nan());
    let total: f64 = present().map(|(_, w)| w).sum();
    if total <= 0.0 {
        return None;
    }
    let mean = present().map(|(x, w)| w * x).sum::<f64>() / total;
    let variance = present().map(|(x, w)| w * (x - mean) * (x - mean)).sum::<f64>() / total;
    Some((mean, variance))
}

fn standardised(arm: Option<(f64, f64)>, controls: Option<(f64, f64)>) -> Option<f64> {
    let ((a, var_a), (c, var_c)) = (arm?, controls?);
    let spread = ((var_a + var_c) / 2.0).sqrt();
    (spread > 0.0).then(|| (a - c) / spread)
}

#[cfg(test)]
mod tests {
    use ceteris_contract::identity::UnitKey;
    use ceteris_contract::time::Timestamp;

    use super::*;

    #[test]
    fn differences_are_weighted_and_in_units_of_the_pooled_spread() {
        let text = |all: &[&str]| Column::Text(all.iter().map(|x| Some((*x).to_owned())).collect());
        let arms = [None, None, Some("a".to_owned()), Some("a".to_owned())];
        let dataset = Dataset {
            unit: vec![UnitKey([0; 16]); 4],
            t: (0..4).map(Timestamp).collect(),
            source: vec![String::new(); 4],
            assignment: vec![Assignment::Observed; 4],
            weight: vec![3.0, 1.0, 1.0, 1.0],
            columns: vec![
                ("confounder_x".into(), Column::Number(vec![0.0, 4.0, 1.0, 5.0])),
                ("instrument_z".into(), text(&["n", "s", "n", "w"])),
                ("confounder_flat".into(), Column::Number(vec![2.0; 4])),
                ("treatment_d".into(), Column::Text(arms.to_vec())),
                ("outcome_y".into(), Column::Number(vec![0.0; 4])),
            ],
        };
        let balance = balance(&dataset);
        let a = &balance["a"];
        assert_eq!((balance.len(), a.rows), (1, 2));
        // Controls: mean 1, variance 3; arm: mean 3, variance 4.
        assert!((a.standardised_difference["confounder_x"] - 2.0 / 3.5f64.sqrt()).abs() < 1e-12);
        // West: share 1/2 of the arm (variance 1/4), none of the controls.
        assert!((a.standardised_difference["instrument_z"] - 0.5 / 0.125f64.sqrt()).abs() < 1e-12);
        assert!(!a.standardised_difference.contains_key("confounder_flat"));
        assert_eq!(a.outside_controls["confounder_x"], 1);
        assert_eq!(a.outside_controls["instrument_z"], 1);
        assert_eq!(a.outside_controls.len(), 3);
    }
}
