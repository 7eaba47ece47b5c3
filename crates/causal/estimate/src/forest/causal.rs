//! The recipe: order, centre, grow.

use ceteris_effect::Effect;
use ceteris_effect::forest::Covariates;
use ceteris_stats::Unit;
use ndarray::Array2;

use super::centre::{Centred, Treatment, centre};
use super::fit::{ForestRows, GrownForest, check_finite, check_length, grow_counted};
use super::progress::Counter;
use super::sample::canonical;
use super::{GrowError, ValidForestParams, imputed};
use crate::dml::{PropensitySource, Watch};
use crate::learner::Regressor;

/// A causal forest with the nuisances it was centred by, all in the order of the rows given.
#[derive(Clone, Debug)]
pub struct FittedForest {
    /// The forest: tau(x) of each treatment, with little-bags errors.
    pub grown: GrownForest,
    /// Nuisances and residuals; zero for rows without weight.
    pub centred: Centred,
}

/// Fits an honest causal forest: `y` and the treatment are centred by cross-fitted nuisances (`folds` folds of whole
/// units), then trees part the rows by differences in effect.
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
/// use ceteris_estimate::dml::{PropensitySource, unwatched};
/// use ceteris_effect::forest::Covariates;
/// use ceteris_estimate::forest::{ForestParams, ForestRows, Treatment, causal_forest};
/// use ceteris_estimate::learner::{BasisParams, Linear};
/// use ceteris_stats::Unit;
/// use ndarray::Array2;
/// let n = 400;
/// let x = Array2::from_shape_fn((n, 1), |(i, _)| (i % 20) as f64);
/// let arms: Vec<usize> = (0..n).map(|i| (i / 20) % 2).collect();
/// let y: Vec<f64> = (0..n).map(|i| if x[[i, 0]] >= 10.0 { 3.0 * arms[i] as f64 } else { 0.0 }).collect();
/// let half = Array2::from_elem((n, 2), 0.5);
/// let rows = ForestRows { x: &Covariates::numeric(x)?, units: &Unit::one_per_row(n), weights: None };
/// let treatment = Treatment::Arms { arms: &arms, n_arms: 2, propensity: PropensitySource::Known(&half) };
/// let params = ForestParams { trees: 200, ..ForestParams::default() }.check()?;
/// let fit = causal_forest(&params, &rows, &y, &treatment, &Linear::ols(BasisParams::LINEAR), 5, &unwatched)?;
/// let forest = &fit.grown.forest;
/// let mut out = [forest.unknown()];
/// forest.predict(&[18.0], &mut forest.scratch(), &mut out)?;
/// assert!((out[0].tau - 3.0).abs() < 0.3);
/// # Ok::<(), ceteris_estimate::forest::GrowError>(())
/// ```
pub fn causal_forest(
    params: &ValidForestParams,
    rows: &ForestRows<'_>,
    y: &[f64],
    treatment: &Treatment<'_>,
    ml_l: &dyn Regressor,
    folds: usize,
    watch: Watch<'_>,
) -> Result<FittedForest, GrowError> {
    let fits = folds * (1 + usize::from(treatment.learned()));
    let counter = Counter::new(watch, fits + params.get().trees / params.get().bag);
    let ordered = ordered_residuals(rows, y, treatment, ml_l, folds, params.get().seed, &counter)?;
    let ordered_rows = ForestRows {
        x: &ordered.x,
        units: &ordered.units,
        weights: Some(&ordered.w),
    };
    let centred = ordered.centred;
    let grown = grow_counted(params, &ordered_rows, &centred.y, centred.d.view(), &counter)?;
    Ok(FittedForest {
        grown: grown.renumbered(&ordered.order, rows.x.n()),
        centred: centred.renumbered(&ordered.order, rows.x.n()),
    })
}

/// The residuals that [`causal_forest`] grows on, in the order of the rows given; zero for rows without weight.
///
/// # Errors
/// As [`causal_forest`].
pub fn residuals(
    rows: &ForestRows<'_>,
    y: &[f64],
    treatment: &Treatment<'_>,
    ml_l: &dyn Regressor,
    folds: usize,
    seed: u64,
    watch: Watch<'_>,
) -> Result<Centred, GrowError> {
    let counter = Counter::new(watch, folds * (1 + usize::from(treatment.learned())));
    let ordered = ordered_residuals(rows, y, treatment, ml_l, folds, seed, &counter)?;
    Ok(ordered.centred.renumbered(&ordered.order, rows.x.n()))
}

/// The rows in the forest's own order, centred. Nuisances see them so, that not a bit depends on the table's order.
struct Ordered {
    order: Vec<usize>,
    x: Covariates,
    units: Vec<Unit>,
    w: Vec<f64>,
    centred: Centred,
}

fn ordered_residuals(
    rows: &ForestRows<'_>,
    y: &[f64],
    treatment: &Treatment<'_>,
    ml_l: &dyn Regressor,
    folds: usize,
    seed: u64,
    counter: &Counter<'_>,
) -> Result<Ordered, GrowError> {
    let w = rows.check()?;
    check_length("outcome", y.len(), rows.x.n())?;
    check_finite("outcome", y)?;
    check_treatment(treatment, &w)?;
    let dose: Vec<f64> = match treatment {
        Treatment::Arms { arms, .. } => arms.iter().map(|&a| a as f64).collect(),
        Treatment::Dose { d, .. } => d.to_vec(),
    };
    let order = canonical(rows.units, &w, rows.x, &[y, &dose]);
    let pick = |v: &[f64]| order.iter().map(|&i| v[i]).collect::<Vec<f64>>();
    let x = rows.x.select(&order);
    let units: Vec<Unit> = order.iter().map(|&i| rows.units[i]).collect();
    let (w, y, dose) = (pick(&w), pick(y), pick(&dose));
    let (arms, known): (Vec<usize>, Option<Array2<f64>>) = match treatment {
        Treatment::Arms { arms, propensity, .. } => (
            order.iter().map(|&i| arms[i]).collect(),
            match propensity {
                PropensitySource::Known(m) => Some(m.select(ndarray::Axis(0), &order)),
                PropensitySource::Learned(_) => None,
            },
        ),
        Treatment::Dose { .. } => (Vec::new(), None),
    };
    let ordered = match (treatment, &known) {
        (Treatment::Dose { ml_m, .. }, _) => Treatment::Dose {
            d: &dose,
            ml_m: *ml_m,
        },
        (
            Treatment::Arms {
                n_arms, propensity, ..
            },
            known,
        ) => Treatment::Arms {
            arms: &arms,
            n_arms: *n_arms,
            propensity: known.as_ref().map_or(*propensity, PropensitySource::Known),
        },
    };
    let centred = centre(
        &imputed(&x)?,
        &units,
        &w,
        &y,
        &ordered,
        ml_l,
        folds,
        seed,
        counter,
    )?;
    Ok(Ordered {
        order,
        x,
        units,
        w,
        centred,
    })
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

fn check_treatment(treatment: &Treatment<'_>, w: &[f64]) -> Result<(), GrowError> {
    match treatment {
        Treatment::Dose { d, .. } => {
            check_length("treatment", d.len(), w.len())?;
            check_finite("treatment", *d)
        }
        Treatment::Arms {
            arms,
            n_arms,
            propensity,
        } => {
            check_length("arms", arms.len(), w.len())?;
            let mut rows = vec![0; *n_arms];
            for (row, (&arm, w)) in arms.iter().zip(w).enumerate() {
                match rows.get_mut(arm) {
                    Some(rows) if *n_arms >= 2 => *rows += usize::from(*w > 0.0),
                    _ => {
                        return Err(GrowError::UnknownArm {
                            row,
                            arm,
                            n_arms: *n_arms,
                        });
                    }
                }
            }
            if let Some((arm, &rows)) = rows.iter().enumerate().find(|(_, r)| **r < 2) {
                return Err(GrowError::ThinArm { arm, rows, needed: 2 });
            }
            let PropensitySource::Known(m) = propensity else {
                return Ok(());
            };
            check_length("propensities", m.nrows(), w.len())?;
            check_length("propensities of one row", m.ncols(), *n_arms)?;
            let bad = |row: &ndarray::ArrayView1<'_, f64>| {
                row.iter().any(|p| !(0.0..=1.0).contains(p)) || (row.sum() - 1.0).abs() > 1e-6
            };
            match m.outer_iter().position(|row| bad(&row)) {
                Some(row) => Err(GrowError::Value {
                    what: "propensities",
                    row,
                }),
                None => Ok(()),
            }
        }
    }
}
