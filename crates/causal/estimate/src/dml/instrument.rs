//! The recipes with an instrument: partially linear, and the local average effect of a binary treatment.

use super::crossfit::{Nuisance, cross_fit};
use super::multi_arm::check_known;
use super::params::{check_binary, check_values};
use super::repeat::{hat, unless_determined};
use super::{DmlError, Fitted, PropensitySource, Rows, ValidDmlParams, Watch};
use crate::learner::{Classifier, Regressor};
use crate::score::{self, ClipReport, clip_propensities, treated_propensity};

/// Cross-fitted nuisances of the partially linear model with an instrument, one value a row.
#[derive(Clone, Debug, PartialEq)]
pub struct InstrumentNuisances {
    /// E[y | x].
    pub l_hat: Vec<f64>,
    /// E[d | x].
    pub r_hat: Vec<f64>,
    /// E[z | x].
    pub m_hat: Vec<f64>,
}

/// Estimates theta in `y = theta d + g(x) + e` where e and d share causes but an instrument `z` moves d and not e given
/// x.
///
/// `ml_l`, `ml_r` and `ml_m` learn E[y|x], E[d|x] and E[z|x]. Read [`crate::inference::first_stage_f`] and
/// [`crate::inference::anderson_rubin`] of the scores beside the estimate: a weak instrument makes the interval false.
///
/// Source: Chernozhukov et al. (2018), section 4.2.
///
/// # Errors
/// As [`super::partially_linear`].
pub fn partially_linear_instrument(
    params: &ValidDmlParams,
    rows: &Rows<'_>,
    y: &[f64],
    d: &[f64],
    z: &[f64],
    ml_l: &dyn Regressor,
    ml_r: &dyn Regressor,
    ml_m: &dyn Regressor,
    watch: Watch<'_>,
) -> Result<Fitted<InstrumentNuisances>, DmlError> {
    let (w, clusters) = rows.check()?;
    check_values(&[("outcome", y), ("treatment", d), ("instrument", z)], rows.x.n())?;
    let folds = params.cut(rows.units, &[])?;
    let nuisances = [
        Nuisance::mean("l", ml_l, y),
        Nuisance::mean("r", ml_r, d),
        Nuisance::mean("m", ml_m, z),
    ];
    let seed = |task| params.learner_seed(task);
    let fitted = cross_fit(&rows.sample(&w), &folds, &nuisances, seed, watch)?;
    let weights = w.clone();
    Fitted::solve(folds, fitted.predictions, fitted.flags, w, clusters, |hats| {
        let (l_hat, r_hat, m_hat) = (hat(hats, 0, 0), hat(hats, 1, 0), hat(hats, 2, 0));
        let scores = score::partially_linear_instrument(y, d, z, &l_hat, &r_hat, &m_hat);
        let scores = unless_determined(scores, &weights, d, z);
        (InstrumentNuisances { l_hat, r_hat, m_hat }, scores)
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

/// Cross-fitted nuisances of the local average effect, one value a row; index 0 is z = 0.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalAverageNuisances {
    /// E[y | z, x].
    pub g: [Vec<f64>; 2],
    /// P(d = 1 | z, x).
    pub r: [Vec<f64>; 2],
    /// P(z = 1 | x), after clipping.
    pub m: Vec<f64>,
    /// What clipping did; absent where the instrument's propensities were known.
    pub clip: Option<ClipReport>,
}

/// Estimates the average effect of a binary `d` on those whom a binary instrument `z` moves.
///
/// `ml_g` learns E[y | z, x] and `ml_r` P(d = 1 | z, x) on the rows of each z; `ml_m`'s propensities of z are learned and
/// clipped, or known (n × 2). Assumes that z moves nobody away from the treatment (monotonicity).
///
/// Source: Imbens and Angrist (1994); Chernozhukov et al. (2018), section 5.2.
///
/// # Errors
/// As [`super::interactive`]; a treatment that contradicts `compliance`.
pub fn local_average(
    params: &ValidDmlParams,
    rows: &Rows<'_>,
    y: &[f64],
    d: &[f64],
    z: &[f64],
    compliance: Compliance,
    ml_g: &dyn Regressor,
    ml_r: &dyn Classifier,
    ml_m: PropensitySource<'_>,
    watch: Watch<'_>,
) -> Result<Fitted<LocalAverageNuisances>, DmlError> {
    let (w, clusters) = rows.check()?;
    check_values(&[("outcome", y), ("treatment", d), ("instrument", z)], rows.x.n())?;
    let arms = check_binary("treatment", d)?;
    let groups = check_binary("instrument", z)?;
    check_compliance(&arms, &groups, compliance)?;
    let strata: Vec<usize> = groups.iter().zip(&arms).map(|(z, d)| 2 * z + d).collect();
    let folds = params.cut(rows.units, &strata)?;
    let mut nuisances = vec![
        Nuisance::mean("g_0", ml_g, y).among(&groups, 0),
        Nuisance::mean("g_1", ml_g, y).among(&groups, 1),
    ];
    let learn = [compliance.always_takers, compliance.never_takers];
    for group in (0..2).filter(|&group| learn[group]) {
        nuisances.push(Nuisance::classes(format!("r_{group}"), ml_r, &arms, 2).among(&groups, group));
    }
    match ml_m {
        PropensitySource::Learned(learner) => {
            nuisances.push(Nuisance::classes("m", learner, &groups, 2));
        }
        PropensitySource::Known(m) => check_known(m, &groups, 2)?,
    }
    let seed = |task| params.learner_seed(task);
    let fitted = cross_fit(&rows.sample(&w), &folds, &nuisances, seed, watch)?;
    let weights = w.clone();
    Fitted::solve(folds, fitted.predictions, fitted.flags, w, clusters, |hats| {
        let n = y.len();
        let learned = |group: usize| hat(hats, 2 + usize::from(group == 1 && learn[0]), 1);
        let r = [
            if learn[0] { learned(0) } else { vec![0.0; n] },
            if learn[1] { learned(1) } else { vec![1.0; n] },
        ];
        let (m, clip) = match ml_m {
            PropensitySource::Known(m) => (m.clone(), None),
            PropensitySource::Learned(_) => {
                let mut m = hats[hats.len() - 1].clone();
                let report = clip_propensities(&mut m, params.get().clip);
                (m, Some(report))
            }
        };
        let g = [hat(hats, 0, 0), hat(hats, 1, 0)];
        let m = treated_propensity(m.view());
        let scores = score::local_average(y, d, z, [&g[0], &g[1]], [&r[0], &r[1]], &m);
        let scores = unless_determined(scores, &weights, d, z);
        (LocalAverageNuisances { g, r, m, clip }, scores)
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
