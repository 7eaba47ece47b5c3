//! The front-door recipe: an average effect of a confounded treatment, read off the mediators it runs through.

use ndarray::{Array2, ArrayView1, Axis, s};

use super::crossfit::{Nuisance, Predicted, Sample, cross_fit, fit_classes, fit_means};
use super::params::{check_binary, check_length, check_values};
use super::{DmlError, Fitted, Rows, ValidDmlParams, Watch};
use crate::learner::{Classifier, Design, LearnerError, Regressor};
use crate::sample::Folds;
use crate::score::{self, ClipReport, FrontDoorRow, clip_propensities, treated_propensity};

/// Cross-fitted nuisances of the front door.
#[derive(Clone, Debug, PartialEq)]
pub struct FrontDoorNuisances {
    /// One set a row.
    pub rows: Vec<FrontDoorRow>,
    /// What clipping P(d | x) did.
    pub clip_m: ClipReport,
    /// What clipping P(d | mediators, x) did.
    pub clip_q: ClipReport,
}

/// Estimates the average effect of a binary `d` on `y` that runs through `mediators` alone, where d and y may share
/// unmeasured causes but the mediators share none with either, given the covariates of `rows` (which may have none).
///
/// `ml_y` learns E[y | d, mediators, x] on each arm's rows, and its averages over the mediators of each arm given x;
/// `ml_d` learns P(d | x) and P(d | mediators, x), both clipped and counted. Inside each training part the averages are
/// learned on predictions for rows that the regression has not seen.
///
/// Source: Pearl (1995); Fulcher et al. (2020) for the score.
///
/// # Errors
/// As [`super::interactive`], and mediators of another length.
pub fn front_door(
    params: &ValidDmlParams,
    rows: &Rows<'_>,
    y: &[f64],
    d: &[f64],
    mediators: &Design,
    ml_y: &dyn Regressor,
    ml_d: &dyn Classifier,
    watch: Watch<'_>,
) -> Result<Fitted<FrontDoorNuisances>, DmlError> {
    let (w, clusters) = rows.check()?;
    let n = rows.x.n();
    check_values(&[("outcome", y), ("treatment", d)], n)?;
    check_length("mediators", mediators.n(), n)?;
    let arms = check_binary("treatment", d)?;
    let folds = params.cut(rows.units, &arms)?;
    let both = mediators.beside(rows.x).map_err(|_| DmlError::Length {
        what: "mediators",
        found: mediators.n(),
        rows: n,
    })?;
    let alone = rows.sample(&w);
    let through = Sample { x: &both, ..alone };
    let chain = |arm: usize| {
        let (alone, through, arms) = (alone, through, &arms);
        move |training: &[usize], held: &[usize], seed| {
            averages(&alone, &through, ml_y, y, arms, arm, training, held, seed)
        }
    };
    let classes = |training: &[usize], held: &[usize], seed| {
        let classes: Vec<usize> = training.iter().map(|&i| arms[i]).collect();
        fit_classes(&through, ml_d, &classes, 2, training, held, seed)
    };
    let (zero, one) = (chain(0), chain(1));
    let nuisances = [
        Nuisance::chain("mu_0", 3, &zero),
        Nuisance::chain("mu_1", 3, &one),
        Nuisance::chain("q", 2, &classes),
        Nuisance::classes("m", ml_d, &arms, 2),
    ];
    let seed = |task| params.learner_seed(task);
    let fitted = cross_fit(&alone, &folds, &nuisances, seed, watch)?;
    let clip = params.get().clip;
    Fitted::solve(
        folds,
        fitted.predictions,
        fitted.flags,
        w.clone(),
        clusters,
        |hats| {
            let (mut q, mut m) = (hats[2].clone(), hats[3].clone());
            let (clip_q, clip_m) = (clip_propensities(&mut q, clip), clip_propensities(&mut m, clip));
            let (q, m) = (treated_propensity(q.view()), treated_propensity(m.view()));
            let row = |i: usize| FrontDoorRow {
                mu: [hats[0][[i, 0]], hats[1][[i, 0]]],
                xi: [0, 1].map(|a: usize| [hats[a][[i, 1]], hats[a][[i, 2]]]),
                m: m[i],
                q: q[i],
            };
            let rows: Vec<FrontDoorRow> = (0..n).map(row).collect();
            let scores = score::front_door(y, d, &rows);
            (FrontDoorNuisances { rows, clip_m, clip_q }, scores)
        },
    )
}

/// For the rows held out: mu_arm at their own mediators, and its averages over the mediators of arms 0 and 1 given x.
fn averages(
    alone: &Sample<'_>,
    through: &Sample<'_>,
    ml_y: &dyn Regressor,
    y: &[f64],
    arms: &[usize],
    arm: usize,
    training: &[usize],
    held: &[usize],
    seed: u64,
) -> Result<Predicted, LearnerError> {
    let outcome = ArrayView1::from(y).insert_axis(Axis(1));
    let of =
        |rows: &[usize], a: usize| -> Vec<usize> { rows.iter().copied().filter(|&i| arms[i] == a).collect() };
    let (mu, mut flags) = fit_means(through, ml_y, &[outcome], &of(training, arm), held, seed)?;
    let units: Vec<_> = training.iter().map(|&i| alone.units[i]).collect();
    let strata: Vec<usize> = training.iter().map(|&i| arms[i]).collect();
    let halves = Folds::by_unit(&units, &strata, 2, seed).map_err(|_| LearnerError::NoRows)?;
    let mut pseudo = Array2::zeros((y.len(), 1));
    for half in 0..2 {
        let at = |rows: Vec<usize>| -> Vec<usize> { rows.into_iter().map(|i| training[i]).collect() };
        let seen = of(&at(halves.training(half)), arm);
        let unseen = at(halves.held_out(half));
        let (predicted, raised) = fit_means(through, ml_y, &[outcome], &seen, &unseen, seed)?;
        unseen
            .iter()
            .zip(predicted.column(0))
            .for_each(|(&i, p)| pseudo[[i, 0]] = *p);
        flags.extend(raised);
    }
    let mut out = Array2::zeros((held.len(), 3));
    out.slice_mut(s![.., 0..1]).assign(&mu);
    for b in 0..2 {
        let (xi, raised) = fit_means(alone, ml_y, &[pseudo.view()], &of(training, b), held, seed)?;
        out.slice_mut(s![.., b + 1..b + 2]).assign(&xi);
        flags.extend(raised);
    }
    Ok((out, flags))
}
