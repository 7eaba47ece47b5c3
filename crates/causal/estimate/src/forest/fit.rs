//! Growing a forest on centred targets, and what it says of its own training rows out of bag.

use ceteris_effect::Effect;
use ceteris_effect::forest::build::Trees;
use ceteris_effect::forest::{Covariates, Forest, ForestError};
use ceteris_stats::Unit;
use ndarray::ArrayView2;
use rayon::prelude::*;

use super::codes::coder_of;
use super::grow::Grower;
use super::sample::{Targets, TrainingRows, canonical, check_size, half_sample};
use super::split::{Criterion, Many, Mean, One};
use super::{GrowError, ValidForestParams};
use crate::argument::{check_finite, check_length};
use crate::progress::{Counter, Watch};
use crate::sample::ForestSample;

/// A forest with the memory of which rows each bag drew from.
#[derive(Clone, Debug)]
pub struct GrownForest {
    /// The forest.
    pub forest: Forest,
    seed: u64,
    clusters: usize,
    /// The cluster of each row given; none for rows without weight.
    of_row: Vec<Option<u32>>,
}

/// Grows a forest for centred targets: the sample's outcome less its mean given x, its treatments (n × K) less their own.
///
/// With K = 0 columns it is an honest regression forest for E[y | x]; else for the local slopes of `y` in the columns
/// of `d`. [`super::causal_forest`] does the centring too.
///
/// Source: Athey, Tibshirani and Wager (2019), *Generalized random forests*, algorithm 1 and section 6.
///
/// # Errors
/// Lengths, numbers that are not finite, too few units, more nodes than a forest holds: see [`GrowError`].
pub fn grow(
    params: &ValidForestParams,
    sample: &ForestSample<'_, ArrayView2<'_, f64>>,
    watch: Watch<'_>,
) -> Result<GrownForest, GrowError> {
    let counter = Counter::new(watch, params.get().trees / params.get().bag);
    grow_counted(params, sample, &counter)
}

pub(super) fn grow_counted(
    params: &ValidForestParams,
    sample: &ForestSample<'_, ArrayView2<'_, f64>>,
    counter: &Counter<'_>,
) -> Result<GrownForest, GrowError> {
    let ForestSample { y, d, x, unit, .. } = *sample;
    let w = sample.check_weights(x.n())?;
    check_length("outcome", y.len(), x.n())?;
    check_length("treatment", d.nrows(), x.n())?;
    check_finite("outcome", y.iter())?;
    for column in d.columns() {
        check_finite("treatment", column.iter())?;
    }
    let (n, k) = (x.n(), d.ncols());
    if n >= u32::MAX as usize || k > usize::from(u8::MAX) {
        return Err(ForestError::TooLarge {
            what: "rows or treatments",
            limit: if k > 255 { 255 } else { u32::MAX as usize },
            fix: "take a sample or fewer arms",
        }
        .into());
    }
    let columns: Vec<Vec<f64>> = d.columns().into_iter().map(|c| c.to_vec()).collect();
    let mut targets: Vec<&[f64]> = vec![y];
    targets.extend(columns.iter().map(Vec::as_slice));
    let order = canonical(unit, &w, x, &targets);
    let pick = |v: &[f64]| order.iter().map(|&i| v[i]).collect::<Vec<f64>>();
    let units: Vec<Unit> = order.iter().map(|&i| unit[i]).collect();
    let ordered = order.windows(2).all(|o| o[1] == o[0] + 1) && order.len() == n;
    let selected;
    let x = if ordered {
        x
    } else {
        selected = x.select(&order);
        &selected
    };
    let coder = coder_of(x)?;
    let d_rows = order
        .iter()
        .flat_map(|&i| columns.iter().map(move |c| c[i]))
        .collect();
    let targets = Targets {
        y: pick(y),
        d: d_rows,
        k,
    };
    let sample = TrainingRows::new(&coder, x, &units, &pick(&w), targets);
    check_size(params.get(), sample.clusters())?;
    let trees = match k {
        0 => bags::<Mean>(params, &sample, counter)?,
        1 => bags::<One>(params, &sample, counter)?,
        _ => bags::<Many>(params, &sample, counter)?,
    };
    let mut of_row = vec![None; n];
    for (cluster, ends) in sample.starts.windows(2).enumerate() {
        for at in ends[0]..ends[1] {
            of_row[order[at as usize]] = Some(cluster as u32);
        }
    }
    Ok(GrownForest {
        forest: Forest::new(coder, trees)?,
        seed: params.get().seed,
        clusters: sample.clusters(),
        of_row,
    })
}

/// All bags in parallel, put together in order.
fn bags<C: Criterion>(
    params: &ValidForestParams,
    sample: &TrainingRows,
    counter: &Counter<'_>,
) -> Result<Trees, GrowError> {
    let bag = params.get().bag;
    let grown: Vec<Result<Trees, GrowError>> = (0..params.get().trees / bag)
        .into_par_iter()
        .map_init(
            || Grower::<C>::new(sample, params),
            |grower, number| {
                counter.go_on()?;
                let trees = grower.bag(number);
                counter.one_done();
                Ok(trees)
            },
        )
        .collect();
    counter.go_on()?;
    let mut all = Trees::new(bag, sample.k);
    for trees in grown {
        all.append(&trees?)?;
    }
    Ok(all)
}

impl GrownForest {
    /// For a table of `n` rows whose row `order[i]` was row i here.
    pub(super) fn renumbered(mut self, order: &[usize], n: usize) -> Self {
        let mut of_row = vec![None; n];
        order.iter().zip(&self.of_row).for_each(|(&i, c)| of_row[i] = *c);
        self.of_row = of_row;
        self
    }

    /// Estimates for the training rows (`x` as given to the fit), each from the bags that did not draw its unit.
    ///
    /// # Errors
    /// Another table than the one of the fit.
    pub fn out_of_bag(&self, x: &Covariates) -> Result<Vec<Effect>, GrowError> {
        check_length("the table out of bag", self.of_row.len(), x.n())?;
        let bags = self.forest.trees() / self.forest.bag();
        let words = self.clusters.div_ceil(64);
        let mut drawn = vec![0u64; bags * words];
        drawn
            .par_chunks_mut(words)
            .enumerate()
            .for_each_init(Vec::new, |half, (bag, bits)| {
                let size = half_sample(self.seed, bag, half, self.clusters);
                for &c in &half[..size] {
                    bits[c as usize / 64] |= 1 << (c % 64);
                }
            });
        let hears = |row: usize, bag: usize| match self.of_row[row] {
            None => true,
            Some(c) => drawn[bag * words + c as usize / 64] >> (c % 64) & 1 == 0,
        };
        Ok(self.forest.predict_heard(x, &hears)?)
    }
}
