//! The recipes with an instrument: partially linear, and the local average effect of a binary treatment.

use super::repeat::unless_determined;
use super::{DmlError, Fitted, PropensitySource, ValidDmlParams};
use crate::argument::{check_binary, check_values};
use crate::crossfit::{Key, Nuisance, Plan};
use crate::learner::{Classifier, Regressor};
use crate::progress::Watch;
use crate::sample::{Arms, Sample};
use crate::score::{self, InstrumentNuisances, Instrumented, LocalAverageNuisances, treated_propensity};

/// Learners of the partially linear model with an instrument.
#[derive(Clone, Copy)]
pub struct InstrumentLearners<'a> {
    /// Learns E[y | x].
    pub l: &'a dyn Regressor,
    /// Learns E[d | x].
    pub r: &'a dyn Regressor,
    /// Learns E[z | x].
    pub m: &'a dyn Regressor,
}

/// Learners of the local average effect.
#[derive(Clone, Copy)]
pub struct LocalAverageLearners<'a> {
    /// Learns E[y | z, x] on the rows of each z.
    pub g: &'a dyn Regressor,
    /// Learns P(d = 1 | z, x) on the rows of each z.
    pub r: &'a dyn Classifier,
    /// The propensities of z: learned and clipped, or known (n × 2).
    pub m: PropensitySource<'a>,
}

/// Estimates theta in `y = theta d + g(x) + e` where e and d share causes but an instrument `z` moves d and not e given
/// x.
///
/// Read [`crate::inference::first_stage_f`] and [`crate::inference::anderson_rubin`] of the scores beside the estimate: a
/// weak instrument makes the interval false.
///
/// Source: Chernozhukov et al. (2018), section 4.2.
///
/// # Errors
/// As [`super::partially_linear`]; a sample without an instrument.
pub fn partially_linear_instrument(
    params: &ValidDmlParams,
    sample: &Sample<'_>,
    learners: InstrumentLearners<'_>,
    watch: Watch<'_>,
) -> Result<Fitted<InstrumentNuisances>, DmlError> {
    let rows = sample.check()?;
    let (Sample { y, d, x, .. }, z) = (*sample, sample.instrument()?);
    check_values(&[("outcome", y), ("treatment", d), ("instrument", z)], x.n())?;
    let folds = params.cut(sample, &[])?;
    let mut plan = Plan::default();
    let l = plan.add(Nuisance::mean("l", learners.l, y));
    let r = plan.add(Nuisance::mean("r", learners.r, d));
    let m = plan.add(Nuisance::mean("m", learners.m, z));
    let fitted = params.cross_fit(&plan, &sample.rows(&rows.weights), &folds, watch)?;
    let weights = rows.weights.clone();
    Fitted::solve(folds, fitted, rows, |hats| {
        let nuisances = InstrumentNuisances {
            l_hat: hats.only(l),
            r_hat: hats.only(r),
            m_hat: hats.only(m),
        };
        let scores = score::partially_linear_instrument(Instrumented { y, d, z }, &nuisances);
        (nuisances, unless_determined(scores, &weights, d, z))
    })
}

/// Who takes the treatment whatever the instrument says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compliance {
    /// Some take it with z = 0. Where nobody can, `P(d = 1 | z = 0, x)` is zero and is not learned.
    pub always_takers: bool,
    /// Some go without it with z = 1. Where nobody can, `P(d = 1 | z = 1, x)` is one and is not learned.
    pub never_takers: bool,
}

/// Estimates the average effect of a binary `d` on those whom a binary instrument `z` moves.
///
/// Assumes that z moves nobody away from the treatment (monotonicity).
///
/// Source: Imbens and Angrist (1994); Chernozhukov et al. (2018), section 5.2.
///
/// # Errors
/// As [`super::interactive`]; a sample without an instrument; a treatment that contradicts `compliance`.
pub fn local_average(
    params: &ValidDmlParams,
    sample: &Sample<'_>,
    compliance: Compliance,
    learners: LocalAverageLearners<'_>,
    watch: Watch<'_>,
) -> Result<Fitted<LocalAverageNuisances>, DmlError> {
    let rows = sample.check()?;
    let (Sample { y, d, x, .. }, z) = (*sample, sample.instrument()?);
    check_values(&[("outcome", y), ("treatment", d), ("instrument", z)], x.n())?;
    let arms = check_binary("treatment", d)?;
    let groups = check_binary("instrument", z)?;
    check_compliance(&arms, &groups, compliance)?;
    let strata: Vec<usize> = groups.iter().zip(&arms).map(|(z, d)| 2 * z + d).collect();
    let folds = params.cut(sample, &strata)?;
    let binary = |of_row| Arms { of_row, count: 2 };
    let mut plan = Plan::default();
    let g = [0, 1].map(|z| plan.add(Nuisance::mean(format!("g_{z}"), learners.g, y).among(&groups, z)));
    let mut takers = |z: usize, learned: bool| {
        let nuisance = || Nuisance::classes(format!("r_{z}"), learners.r, binary(&arms)).among(&groups, z);
        learned.then(|| plan.add(nuisance()))
    };
    let r = [
        takers(0, compliance.always_takers),
        takers(1, compliance.never_takers),
    ];
    let m = learners.m.plan(&mut plan, "m", binary(&groups))?;
    let fitted = params.cross_fit(&plan, &sample.rows(&rows.weights), &folds, watch)?;
    let weights = rows.weights.clone();
    let clip = params.get().clip;
    Fitted::solve(folds, fitted, rows, |hats| {
        // Where nobody takes the treatment unmoved, or everybody does when moved, the probability is known.
        let taken = |key: Option<Key>, known: f64| -> Vec<f64> {
            key.map_or_else(|| vec![known; y.len()], |key| hats.column(key, 1))
        };
        let (m, clip) = m.clipped(hats, clip);
        let nuisances = LocalAverageNuisances {
            g: g.map(|key| hats.only(key)),
            r: [taken(r[0], 0.0), taken(r[1], 1.0)],
            m: treated_propensity(m.view()),
            clip,
        };
        let scores = score::local_average(Instrumented { y, d, z }, &nuisances);
        (nuisances, unless_determined(scores, &weights, d, z))
    })
}

fn check_compliance(arms: &[usize], groups: &[usize], compliance: Compliance) -> Result<(), DmlError> {
    let find = |z, d| groups.iter().zip(arms).position(|(&g, &a)| g == z && a == d);
    match (
        (!compliance.always_takers).then(|| find(0, 1)).flatten(),
        (!compliance.never_takers).then(|| find(1, 0)).flatten(),
    ) {
        (Some(row), _) => Err(DmlError::Compliance {
            row,
            takers: "always",
        }),
        (_, Some(row)) => Err(DmlError::Compliance { row, takers: "never" }),
        (None, None) => Ok(()),
    }
}
