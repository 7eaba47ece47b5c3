//! The recipe: order, centre, grow.

use ceteris_effect::Effect;
use ceteris_effect::forest::Covariates;
use ceteris_stats::Unit;
use ndarray::{Array2, ArrayView1};

use super::centre::{Centred, Centring, CentringLearners, TreatmentLearner};
use super::fit::{GrownForest, grow_counted};
use super::sample::canonical;
use super::{GrowError, ValidForestParams, imputed};
use crate::argument::{ArgumentError, check_finite, check_length};
use crate::crossfit::PropensitySource;
use crate::progress::{Counter, Watch};
use crate::sample::{Arms, ForestSample, Treatment};

/// A causal forest with the nuisances it was centred by, all in the order of the rows given.
#[derive(Clone, Debug)]
pub struct FittedForest {
    /// The forest: tau(x) of each treatment, with little-bags errors.
    pub grown: GrownForest,
    /// Nuisances and residuals; zero for rows without weight.
    pub centred: Centred,
}

/// Fits an honest causal forest: the outcome and the treatment are centred by cross-fitted nuisances (`folds` folds of
/// whole units), then trees part the rows by differences in effect.
///
/// Effects are those of each arm against control, or of one unit more of a dose. They are overlap-weighted within
/// the neighbourhood of x, which is where they differ least.
///
/// Source: Athey, Tibshirani and Wager (2019), section 6; Nie and Wager (2021) for the centring.
///
/// # Errors
/// Lengths, values, arms, folds, learners, too few units, or a stop by `watch`: see [`GrowError`].
///
/// ```
/// use ceteris_effect::forest::Covariates;
/// use ceteris_estimate::forest::{CentringLearners, ForestParams, TreatmentLearner, causal_forest};
/// use ceteris_estimate::learner::{BasisParams, Linear};
/// use ceteris_estimate::{Arms, PropensitySource, Sample, Treatment, unwatched};
/// use ceteris_stats::Unit;
/// use ndarray::Array2;
/// let n = 400;
/// let x = Array2::from_shape_fn((n, 1), |(i, _)| (i % 20) as f64);
/// let arms: Vec<usize> = (0..n).map(|i| (i / 20) % 2).collect();
/// let y: Vec<f64> = (0..n).map(|i| if x[[i, 0]] >= 10.0 { 3.0 * arms[i] as f64 } else { 0.0 }).collect();
/// let (x, unit) = (Covariates::numeric(x)?, Unit::one_per_row(n));
/// let d = Treatment::Arms(Arms { of_row: &arms, count: 2 });
/// let sample = Sample { y: &y[..], d, z: None, x: &x, weight: None, unit: &unit, cluster: None };
/// let half = Array2::from_elem((n, 2), 0.5);
/// let learners = CentringLearners {
///     l: &Linear::ols(BasisParams::LINEAR),
///     m: TreatmentLearner::Arms(PropensitySource::Known(&half)),
/// };
/// let params = ForestParams { trees: 200, ..ForestParams::default() }.check()?;
/// let fit = causal_forest(&params, &sample, learners, 5, &unwatched)?;
/// let forest = &fit.grown.forest;
/// let mut out = [forest.unknown()];
/// forest.predict(&[18.0], &mut forest.scratch(), &mut out)?;
/// assert!((out[0].tau - 3.0).abs() < 0.3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn causal_forest(
    params: &ValidForestParams,
    sample: &ForestSample<'_, Treatment<'_>>,
    learners: CentringLearners<'_>,
    folds: usize,
    watch: Watch<'_>,
) -> Result<FittedForest, GrowError> {
    let ordered = Ordered::of(sample, learners)?;
    let bags = params.get().trees / params.get().bag;
    let (centred, counter) = ordered.centre(learners.l, folds, params.get().seed, bags, watch)?;
    let rows = ForestSample {
        y: &centred.y[..],
        d: centred.d.view(),
        z: None,
        x: &ordered.x,
        weight: Some(&ordered.w),
        unit: &ordered.unit,
        cluster: None,
    };
    let grown = grow_counted(params, &rows, &counter)?;
    let n = sample.x.n();
    Ok(FittedForest {
        grown: grown.renumbered(&ordered.order, n),
        centred: centred.renumbered(&ordered.order, n),
    })
}

/// The residuals that [`causal_forest`] grows on, in the order of the rows given; zero for rows without weight.
///
/// # Errors
/// As [`causal_forest`].
pub fn residuals(
    sample: &ForestSample<'_, Treatment<'_>>,
    learners: CentringLearners<'_>,
    folds: usize,
    seed: u64,
    watch: Watch<'_>,
) -> Result<Centred, GrowError> {
    let ordered = Ordered::of(sample, learners)?;
    let (centred, _) = ordered.centre(learners.l, folds, seed, 0, watch)?;
    Ok(centred.renumbered(&ordered.order, sample.x.n()))
}

/// The rows in the forest's own order. Nuisances see them so, that not a bit depends on the table's order.
struct Ordered<'a> {
    order: Vec<usize>,
    x: Covariates,
    unit: Vec<Unit>,
    w: Vec<f64>,
    y: Vec<f64>,
    d: OrderedTreatment<'a>,
}

/// The treatment in that order, with how its expectation is had.
enum OrderedTreatment<'a> {
    Learned(Vec<usize>, usize, TreatmentLearner<'a>),
    Known(Vec<usize>, usize, Array2<f64>),
    Dose(Vec<f64>, TreatmentLearner<'a>),
}

impl<'a> Ordered<'a> {
    fn of(
        sample: &ForestSample<'_, Treatment<'_>>,
        learners: CentringLearners<'a>,
    ) -> Result<Self, GrowError> {
        let n = sample.x.n();
        let w = sample.check_weights(n)?;
        check_length("outcome", sample.y.len(), n)?;
        check_finite("outcome", sample.y)?;
        check_treatment(sample.d, learners.m, &w)?;
        let dose: Vec<f64> = match sample.d {
            Treatment::Arms(arms) => arms.of_row.iter().map(|&a| a as f64).collect(),
            Treatment::Dose(d) => d.to_vec(),
        };
        let order = canonical(sample.unit, &w, sample.x, &[sample.y, &dose]);
        let pick = |v: &[f64]| order.iter().map(|&i| v[i]).collect::<Vec<f64>>();
        let d = match (sample.d, learners.m) {
            (Treatment::Arms(arms), m) => {
                let had = order.iter().map(|&i| arms.of_row[i]).collect();
                match m {
                    TreatmentLearner::Arms(PropensitySource::Known(m)) => {
                        OrderedTreatment::Known(had, arms.count, m.select(ndarray::Axis(0), &order))
                    }
                    m => OrderedTreatment::Learned(had, arms.count, m),
                }
            }
            (Treatment::Dose(_), m) => OrderedTreatment::Dose(pick(&dose), m),
        };
        Ok(Ordered {
            x: sample.x.select(&order),
            unit: order.iter().map(|&i| sample.unit[i]).collect(),
            w: pick(&w),
            y: pick(sample.y),
            d,
            order,
        })
    }

    fn centre<'w>(
        &self,
        l: &dyn crate::learner::Regressor,
        folds: usize,
        seed: u64,
        steps_after: usize,
        watch: Watch<'w>,
    ) -> Result<(Centred, Counter<'w>), GrowError> {
        let (d, m) = match &self.d {
            OrderedTreatment::Learned(of_row, count, m) => (
                Treatment::Arms(Arms {
                    of_row,
                    count: *count,
                }),
                *m,
            ),
            OrderedTreatment::Known(of_row, count, m) => (
                Treatment::Arms(Arms {
                    of_row,
                    count: *count,
                }),
                TreatmentLearner::Arms(PropensitySource::Known(m)),
            ),
            OrderedTreatment::Dose(d, m) => (Treatment::Dose(d), *m),
        };
        let centring = Centring {
            x: &imputed(&self.x)?,
            unit: &self.unit,
            w: &self.w,
            y: &self.y,
            d,
            learners: CentringLearners { l, m },
            folds,
            seed,
            steps_after,
        };
        centring.run(watch)
    }
}

impl FittedForest {
    /// Effects of the training rows from the bags that did not draw their units, K a row.
    ///
    /// # Errors
    /// Another table than the one of the fit.
    pub fn out_of_bag(&self, x: &Covariates) -> Result<Vec<Effect>, GrowError> {
        self.grown.out_of_bag(x)
    }
}

fn check_treatment(d: Treatment<'_>, m: TreatmentLearner<'_>, w: &[f64]) -> Result<(), GrowError> {
    let arms = match d {
        Treatment::Dose(d) => {
            check_length("treatment", d.len(), w.len())?;
            return Ok(check_finite("treatment", d)?);
        }
        Treatment::Arms(arms) => arms,
    };
    arms.check(w.len())?;
    let mut rows = vec![0; arms.count];
    for (&arm, w) in arms.of_row.iter().zip(w) {
        rows[arm] += usize::from(*w > 0.0);
    }
    if let Some((arm, &rows)) = rows.iter().enumerate().find(|(_, r)| **r < 2) {
        return Err(GrowError::ThinArm { arm, rows, needed: 2 });
    }
    let TreatmentLearner::Arms(PropensitySource::Known(m)) = m else {
        return Ok(());
    };
    check_length("propensities", m.nrows(), w.len())?;
    check_length("propensities of one row", m.ncols(), arms.count)?;
    let bad = |row: &ArrayView1<'_, f64>| {
        row.iter().any(|p| !(0.0..=1.0).contains(p)) || (row.sum() - 1.0).abs() > 1e-6
    };
    match m.outer_iter().position(|row| bad(&row)) {
        Some(row) => Err(ArgumentError::Value {
            what: "propensities",
            row,
        }
        .into()),
        None => Ok(()),
    }
}
