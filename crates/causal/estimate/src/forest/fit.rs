//! Growing a forest on centred targets, and what it says of its own training rows out of bag.

use ceteris_effect::Effect;
use ceteris_effect::forest::build::Trees;
use ceteris_effect::forest::{Covariates, Forest, ForestError};
use ceteris_stats::Unit;
use ndarray::ArrayView2;
use rayon::prelude::*;

use super::codes::coder_of;
use super::grow::Grower;
use super::progress::Counter;
use super::sample::{Sample, canonical, check_size, half_sample};
use super::split::{Criterion, Many, Mean, One};
use super::{GrowError, ValidForestParams};
use crate::dml::Watch;

/// Who is in a forest's sample: covariates, whose rows they are, and their weights.
#[derive(Clone, Copy, Debug)]
pub struct ForestRows<'a> {
    /// Covariates, n × p.
    pub x: &'a Covariates,
    /// The unit of each row; units are drawn whole.
    pub units: &'a [Unit],
    /// Sampling weights; absent means all equal. A row of weight zero grows nothing.
    pub weights: Option<&'a [f64]>,
}

impl ForestRows<'_> {
    /// Checks lengths and weights; gives the weights.
    pub(super) fn check(&self) -> Result<Vec<f64>, GrowError> {
        let rows = self.x.n();
        check_length("units", self.units.len(), rows)?;
        let weights = self.weights.map_or_else(|| vec![1.0; rows], <[f64]>::to_vec);
        check_length("weights", weights.len(), rows)?;
        match weights.iter().position(|w| !w.is_finite() || *w < 0.0) {
            Some(row) => Err(GrowError::Value { what: "weights", row }),
            None => Ok(weights),
        }
    }
}

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

/// Grows a forest for centred targets: `y` less its mean given x, `d` (n × K) less its own.
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
    rows: &ForestRows<'_>,
    y: &[f64],
    d: ArrayView2<f64>,
    watch: Watch<'_>,
) -> Result<GrownForest, GrowError> {
    let counter = Counter::new(watch, params.get().trees / params.get().bag);
    grow_counted(params, rows, y, d, &counter)
}

pub(super) fn grow_counted(
    params: &ValidForestParams,
    rows: &ForestRows<'_>,
    y: &[f64],
    d: ArrayView2<f64>,
    counter: &Counter<'_>,
) -> Result<GrownForest, GrowError> {
    let w = rows.check()?;
    check_length("outcome", y.len(), rows.x.n())?;
    check_length("treatment", d.nrows(), rows.x.n())?;
    check_finite("outcome", y.iter())?;
    for column in d.columns() {
        check_finite("treatment", column.iter())?;
    }
    let (n, k) = (rows.x.n(), d.ncols());
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
    let order = canonical(rows.units, &w, rows.x, &targets);
    let pick = |v: &[f64]| order.iter().map(|&i| v[i]).collect::<Vec<f64>>();
    let units: Vec<Unit> = order.iter().map(|&i| rows.units[i]).collect();
    let ordered = order.windows(2).all(|o| o[1] == o[0] + 1) && order.len() == n;
    let selected;
    let x = if ordered {
        rows.x
    } else {
        selected = rows.x.select(&order);
        &selected
    };
    let coder = coder_of(x)?;
    let d_rows = order
        .iter()
        .flat_map(|&i| columns.iter().map(move |c| c[i]))
        .collect();
    let sample = Sample::new(&coder, x, &units, &pick(&w), pick(y), d_rows, k);
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
    sample: &Sample,
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

pub(super) fn check_length(what: &'static str, found: usize, rows: usize) -> Result<(), GrowError> {
    if found == rows {
        Ok(())
    } else {
        Err(GrowError::Length { what, found, rows })
    }
}

pub(super) fn check_finite<'v>(
    what: &'static str,
    values: impl IntoIterator<Item = &'v f64>,
) -> Result<(), GrowError> {
    values
        .into_iter()
        .position(|v| !v.is_finite())
        .map_or(Ok(()), |row| Err(GrowError::Value { what, row }))
}
