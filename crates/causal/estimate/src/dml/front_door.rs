//! The front-door recipe: an average effect of a confounded treatment, read off the mediators it runs through.

use ndarray::{Array2, ArrayView1, Axis, s};

use super::{DmlError, Fitted, ValidDmlParams};
use crate::argument::{ArgumentError, check_binary, check_length, check_values};
use crate::crossfit::{Nuisance, Part, Plan, Predicted, fit_classes, fit_means};
use crate::learner::{Classifier, Design, LearnerError, Regressor};
use crate::progress::Watch;
use crate::sample::{Arms, CheckedRows, Folds, Sample};
use crate::score::{self, ClipReport, FrontDoorRow, Observed, clip_propensities, treated_propensity};

/// Learners of the front door.
#[derive(Clone, Copy)]
pub struct FrontDoorLearners<'a> {
    /// Learns E[y | d, mediators, x] on each arm's rows, and its averages over the mediators of each arm given x.
    pub y: &'a dyn Regressor,
    /// Learns P(d | x) and P(d | mediators, x), both clipped and counted.
    pub d: &'a dyn Classifier,
}

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
/// unmeasured causes but the mediators share none with either, given the covariates of the sample (which may have none).
///
/// Inside each training part the averages over mediators are learned on predictions for rows that the regression has not
/// seen.
///
/// Source: Pearl (1995); Fulcher et al. (2020) for the score.
///
/// # Errors
/// As [`super::interactive`], and mediators of another length.
pub fn front_door(
    params: &ValidDmlParams,
    sample: &Sample<'_>,
    mediators: &Design,
    learners: FrontDoorLearners<'_>,
    watch: Watch<'_>,
) -> Result<Fitted<FrontDoorNuisances>, DmlError> {
    let rows = sample.check()?;
    let Sample { y, d, x, .. } = *sample;
    let n = x.n();
    check_values(&[("outcome", y), ("treatment", d)], n)?;
    check_length("mediators", mediators.n(), n)?;
    let of_row = check_binary("treatment", d)?;
    let arms = Arms {
        of_row: &of_row,
        count: 2,
    };
    let folds = params.cut(sample, &of_row)?;
    let both = mediators.beside(x).map_err(|_| ArgumentError::Length {
        what: "mediators",
        found: mediators.n(),
        rows: n,
    })?;
    let alone = sample.rows(&rows.weights);
    let through = CheckedRows { x: &both, ..alone };
    let regressions = Regressions {
        alone,
        through,
        learner: learners.y,
        y,
        arms: &of_row,
    };
    let averages = [0, 1].map(|arm: usize| move |part: Part<'_>| regressions.averages(arm, part));
    let classes = |part: Part<'_>| fit_classes(&through, learners.d, arms, part);
    let mut plan = Plan::default();
    let mu = [
        plan.add(Nuisance::chain("mu_0", 3, &averages[0])),
        plan.add(Nuisance::chain("mu_1", 3, &averages[1])),
    ];
    let q = plan.add(Nuisance::chain("q", 2, &classes));
    let m = plan.add(Nuisance::classes("m", learners.d, arms));
    let fitted = params.cross_fit(&plan, &alone, &folds, watch)?;
    let clip = params.get().clip;
    Fitted::solve(folds, fitted, rows.clone(), |hats| {
        let (mut q, mut m) = (hats.all(q).clone(), hats.all(m).clone());
        let (clip_q, clip_m) = (clip_propensities(&mut q, clip), clip_propensities(&mut m, clip));
        let (q, m) = (treated_propensity(q.view()), treated_propensity(m.view()));
        let of = |arm: usize, i: usize, column: usize| hats.all(mu[arm])[[i, column]];
        let row = |i: usize| FrontDoorRow {
            mu: [of(0, i, 0), of(1, i, 0)],
            xi: [0, 1].map(|a: usize| [of(a, i, 1), of(a, i, 2)]),
            m: m[i],
            q: q[i],
        };
        let rows: Vec<FrontDoorRow> = (0..n).map(row).collect();
        let scores = score::front_door(Observed { y, d }, &rows);
        (FrontDoorNuisances { rows, clip_m, clip_q }, scores)
    })
}

/// What the regressions of the outcome read.
#[derive(Clone, Copy)]
struct Regressions<'a> {
    /// The rows with their covariates alone.
    alone: CheckedRows<'a>,
    /// The rows with mediators beside the covariates.
    through: CheckedRows<'a>,
    learner: &'a dyn Regressor,
    y: &'a [f64],
    arms: &'a [usize],
}

impl Regressions<'_> {
    /// Those of some rows that had an arm.
    fn of(&self, rows: &[usize], arm: usize) -> Vec<usize> {
        rows.iter().copied().filter(|&i| self.arms[i] == arm).collect()
    }

    /// For the rows held out: mu_arm at their own mediators, and its averages over the mediators of arms 0 and 1 given x.
    fn averages(&self, arm: usize, part: Part<'_>) -> Result<Predicted, LearnerError> {
        let Part { training, held, seed } = part;
        let outcome = ArrayView1::from(self.y).insert_axis(Axis(1));
        let seen = self.of(training, arm);
        let own = Part {
            training: &seen,
            ..part
        };
        let (mu, mut flags) = fit_means(&self.through, self.learner, &[outcome], own)?;
        let units: Vec<_> = self
            .alone
            .unit
            .map_or_else(Vec::new, |unit| training.iter().map(|&i| unit[i]).collect());
        let strata: Vec<usize> = training.iter().map(|&i| self.arms[i]).collect();
        let halves = Folds::by_unit(&units, &strata, 2, seed).map_err(|_| LearnerError::NoRows)?;
        let mut pseudo = Array2::zeros((self.y.len(), 1));
        for half in 0..2 {
            let at = |rows: Vec<usize>| -> Vec<usize> { rows.into_iter().map(|i| training[i]).collect() };
            let seen = self.of(&at(halves.training(half)), arm);
            let unseen = at(halves.held_out(half));
            let part = Part {
                training: &seen,
                held: &unseen,
                seed,
            };
            let (predicted, raised) = fit_means(&self.through, self.learner, &[outcome], part)?;
            unseen
                .iter()
                .zip(predicted.column(0))
                .for_each(|(&i, p)| pseudo[[i, 0]] = *p);
            flags.extend(raised);
        }
        let mut out = Array2::zeros((held.len(), 3));
        out.slice_mut(s![.., 0..1]).assign(&mu);
        for b in 0..2 {
            let seen = self.of(training, b);
            let part = Part {
                training: &seen,
                ..part
            };
            let (xi, raised) = fit_means(&self.alone, self.learner, &[pseudo.view()], part)?;
            out.slice_mut(s![.., b + 1..b + 2]).assign(&xi);
            flags.extend(raised);
        }
        Ok((out, flags))
    }
}
