//! The rows a forest grows on: in an order of their own, clusters side by side, centred targets and codes.

use std::cmp::Ordering;

use ceteris_effect::forest::Covariates;
use ceteris_effect::forest::build::Coder;
use ceteris_stats::Unit;

use super::codes::Codes;
use super::draw::Stream;
use super::{ForestParams, GrowError};

/// Purpose of the draw of half-samples.
const BAG: u64 = 0x6261_6773;

/// Positions of the rows of positive weight by unit, then by their numbers.
///
/// Everything random is drawn over this order, so a table read in another order grows the same forest. Rows that
/// agree in everything may stand in either order.
pub(super) fn canonical(units: &[Unit], w: &[f64], x: &Covariates, targets: &[&[f64]]) -> Vec<usize> {
    let values = x.values();
    let by_numbers = |a: usize, b: usize| -> Ordering {
        let of_targets = targets.iter().map(|t| t[a].total_cmp(&t[b]));
        let of_values = (0..values.ncols()).map(|j| values[[a, j]].total_cmp(&values[[b, j]]));
        let mut all = of_targets.chain(of_values).chain([w[a].total_cmp(&w[b])]);
        all.find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
    };
    let mut order: Vec<usize> = (0..units.len()).filter(|&i| w[i] > 0.0).collect();
    order.sort_by(|&a, &b| units[a].cmp(&units[b]).then_with(|| by_numbers(a, b)));
    order
}

/// What the trees part the rows by.
pub(super) struct Targets {
    /// Centred outcome.
    pub(super) y: Vec<f64>,
    /// Centred treatments, n × K row by row.
    pub(super) d: Vec<f64>,
    /// Number of treatments, K; none for a forest of means.
    pub(super) k: usize,
}

/// Rows in canonical order.
pub(super) struct TrainingRows {
    /// First row of each cluster, and one past the last.
    pub(super) starts: Vec<u32>,
    /// Centred outcome.
    pub(super) y: Vec<f64>,
    /// Centred treatments, n × K row by row.
    pub(super) d: Vec<f64>,
    /// Number of treatments, K; none for a forest of means.
    pub(super) k: usize,
    /// Positive weights of mean one.
    pub(super) w: Vec<f64>,
    pub(super) codes: Codes,
}

impl TrainingRows {
    /// Takes rows that are in canonical order already.
    pub(super) fn new(coder: &Coder, x: &Covariates, units: &[Unit], w: &[f64], targets: Targets) -> Self {
        let Targets { y, d, k } = targets;
        let mut starts: Vec<u32> = (0..units.len())
            .filter(|&i| i == 0 || units[i] != units[i - 1])
            .map(|i| i as u32)
            .collect();
        starts.push(units.len() as u32);
        let scale = w.len() as f64 / w.iter().sum::<f64>();
        TrainingRows {
            starts,
            y,
            d,
            k,
            w: w.iter().map(|w| w * scale).collect(),
            codes: Codes::new(coder, x.values().outer_iter()),
        }
    }

    pub(super) fn n(&self) -> usize {
        self.y.len()
    }

    pub(super) fn clusters(&self) -> usize {
        self.starts.len() - 1
    }
}

/// The half of the clusters that the trees of a bag draw from, first in `clusters`; gives its size.
pub(super) fn half_sample(seed: u64, bag: usize, clusters: &mut Vec<u32>, count: usize) -> usize {
    clusters.clear();
    clusters.extend(0..count as u32);
    Stream::new(seed, bag, BAG).choose(clusters, count / 2);
    count / 2
}

/// Clusters that one tree draws.
pub(super) fn tree_size(params: &ForestParams, clusters: usize) -> usize {
    ((params.sample_fraction * clusters as f64) as usize).min(clusters / 2)
}

/// Of those, how many choose the splits.
pub(super) fn splitting_size(params: &ForestParams, drawn: usize) -> usize {
    (params.honesty_fraction * drawn as f64) as usize
}

/// Checks that every tree has clusters for both halves of an honest sample.
pub(super) fn check_size(params: &ForestParams, clusters: usize) -> Result<(), GrowError> {
    let drawn = tree_size(params, clusters);
    let splitting = splitting_size(params, drawn);
    if splitting >= 2 && drawn - splitting >= 2 {
        return Ok(());
    }
    let thinnest = params.honesty_fraction.min(1.0 - params.honesty_fraction) * params.sample_fraction;
    Err(GrowError::TooFewUnits {
        units: clusters,
        needed: (3.0 / thinnest).ceil() as usize + 1,
    })
}
