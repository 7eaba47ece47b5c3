//! The recipes.

use ceteris_effect::Column;
use ceteris_effect::forest::{Covariates, Forest};
use ceteris_effect::{EffectBasis, LinearEffect};
use ceteris_effect::{EffectLearner, EffectModel, ModelKind};
use ceteris_stats::Clusters;
use ceteris_stats::Unit;
use ndarray::{Array1, Array2, Axis, concatenate};

use super::stages::Stages;
use super::{EffectError, project_residuals};
use crate::dml::{DmlParams, FittedMultiArm, FoldPlan, PropensitySource, Rows, Watch, multi_arm};
use crate::effect::{fit_basis, project};
use crate::forest::{
    ForestParams, ForestRows, GrowError, Treatment, causal_forest, grow, imputed, residuals,
};
use crate::learner::{Classifier, Regressor};

/// The rows a learner reads.
#[derive(Clone, Copy, Debug)]
pub struct LearnerData<'a> {
    /// Covariates, all of which may change the effect.
    pub x: &'a Covariates,
    /// The unit of each row.
    pub units: &'a [Unit],
    /// Sampling weights; absent means all equal.
    pub weights: Option<&'a [f64]>,
    /// The outcome.
    pub y: &'a [f64],
    /// The treatment: arms with their number (0 being control), or a dose.
    pub treatment: Given<'a>,
}

/// The treatment as it was given.
#[derive(Clone, Copy, Debug)]
pub enum Given<'a> {
    /// The arm of each row, and how many there are.
    Arms(&'a [usize], usize),
    /// The dose of each row.
    Dose(&'a [f64]),
}

impl<'a> LearnerData<'a> {
    /// Arms and their number, if the treatment is no dose.
    pub fn arms(&self) -> Option<(&'a [usize], usize)> {
        match self.treatment {
            Given::Arms(arms, n) => Some((arms, n)),
            Given::Dose(_) => None,
        }
    }

    /// Number of effects a row has.
    pub fn treatments(&self) -> usize {
        self.arms().map_or(1, |(_, n)| n.saturating_sub(1).max(1))
    }
}

/// What the learners share: nuisances, folds, forests.
#[derive(Clone)]
pub struct LearnerParams<'a> {
    /// Learns E[y | x] and, in each arm, E[y | arm, x].
    pub ml_l: &'a dyn Regressor,
    /// Learns the arms' probabilities.
    pub ml_m: &'a dyn Classifier,
    /// Learns a dose's mean.
    pub ml_dose: &'a dyn Regressor,
    /// Folds of cross-fitting.
    pub folds: usize,
    /// The seed of folds and forests.
    pub seed: u64,
    /// Least estimated propensity in doubly robust scores.
    pub clip: f64,
    /// Every forest's parameters; its seed is replaced by [`LearnerParams::seed`].
    pub forest: ForestParams,
}

impl LearnerParams<'_> {
    pub(super) fn treatment<'b>(&'b self, data: &LearnerData<'b>) -> Treatment<'b> {
        match data.treatment {
            Given::Arms(arms, n_arms) => Treatment::Arms {
                arms,
                n_arms,
                propensity: PropensitySource::Learned(self.ml_m),
            },
            Given::Dose(d) => Treatment::Dose {
                d,
                ml_m: self.ml_dose,
            },
        }
    }

    /// The multi-arm fit behind doubly robust scores.
    pub(super) fn doubly_robust(
        &self,
        data: &LearnerData<'_>,
        watch: Watch<'_>,
    ) -> Result<FittedMultiArm, EffectError> {
        let Some((arms, n_arms)) = data.arms() else {
            return Err(EffectError::Dose { learner: "dr" });
        };
        let params = DmlParams {
            folds: FoldPlan::ByUnit { k: self.folds },
            repeats: 1,
            seed: self.seed,
            clip: self.clip,
            trim: None,
        };
        let rows = Rows {
            x: &imputed(data.x)?,
            units: data.units,
            weights: data.weights,
        };
        let y = Array1::from(data.y.to_vec()).insert_axis(Axis(1));
        let source = PropensitySource::Learned(self.ml_m);
        Ok(multi_arm(
            &params.check()?,
            &rows,
            arms,
            n_arms,
            &y,
            source,
            self.ml_l,
            watch,
        )?)
    }

    fn forest_params(&self) -> Result<crate::forest::ValidForestParams, GrowError> {
        ForestParams {
            seed: self.seed,
            ..self.forest.clone()
        }
        .check()
    }

    /// A forest of means of `y` over some rows of a table.
    fn means(&self, data: &Owned, y: &[f64], watch: Watch<'_>) -> Result<Forest, GrowError> {
        let rows = ForestRows {
            x: &data.x,
            units: &data.units,
            weights: Some(&data.w),
        };
        let none = Array2::zeros((y.len(), 0));
        Ok(grow(&self.forest_params()?, &rows, y, none.view(), watch)?.forest)
    }
}

/// Fits one learner.
///
/// # Errors
/// A dose given to a learner of arms, and whatever nuisances, forests and projections answer.
pub fn fit_effects(
    learner: EffectLearner,
    params: &LearnerParams<'_>,
    data: &LearnerData<'_>,
    watch: Watch<'_>,
) -> Result<EffectModel, EffectError> {
    let stages = Stages::new(watch, stages_of(learner, data.treatments()));
    let kind = match (learner, data.arms()) {
        (EffectLearner::Forest, _) => {
            let rows = ForestRows {
                x: data.x,
                units: data.units,
                weights: data.weights,
            };
            let treatment = params.treatment(data);
            let (forest, folds) = (params.forest_params()?, params.folds);
            let fit = causal_forest(&forest, &rows, data.y, &treatment, params.ml_l, folds, watch)?;
            ModelKind::Forests(vec![fit.grown.forest])
        }
        (EffectLearner::R, _) => ModelKind::Linear(linear_r(params, data, watch)?),
        (_, None) => {
            return Err(EffectError::Dose {
                learner: learner.name(),
            });
        }
        (EffectLearner::Linear, Some(_)) => ModelKind::Linear(linear(params, data, watch)?),
        (EffectLearner::Dr, Some(_)) => {
            let scores = stages.next(|watch| params.doubly_robust(data, watch))?;
            let all = Owned::of(data);
            let forest = |a| stages.next(|watch| params.means(&all, &scores.gamma(0, a + 1, 0), watch));
            ModelKind::Forests((0..data.treatments()).map(forest).collect::<Result<_, _>>()?)
        }
        (EffectLearner::T, Some((arms, n_arms))) => {
            let forest = |a| {
                let own = Owned::select(data, &rows_of(arms, a));
                stages.next(|watch| params.means(&own, &own.y, watch))
            };
            ModelKind::Forests((0..n_arms).map(forest).collect::<Result<_, _>>()?)
        }
        (EffectLearner::X, Some((arms, _))) => ModelKind::Forests(crossed(params, data, arms, &stages)?),
        (EffectLearner::S, Some((arms, n_arms))) => {
            let mut all = Owned::of(data);
            let levels = (0..n_arms).map(|a| a.to_string()).collect();
            let mut columns = data.x.columns().to_vec();
            columns.push(Column::categorical("(arm)", levels));
            let arm = Array2::from_shape_fn((arms.len(), 1), |(i, _)| arms[i] as f64);
            all.x = Covariates::new(concatenate![Axis(1), data.x.values(), arm], columns)
                .map_err(GrowError::from)?;
            ModelKind::Forests(vec![params.means(&all, &all.y, watch)?])
        }
    };
    let columns = data.x.columns().to_vec();
    Ok(EffectModel::new(learner, columns, data.treatments(), kind)?)
}

/// Fits that follow one another in the recipe for K treatments, each with a progress of its own.
fn stages_of(learner: EffectLearner, k: usize) -> usize {
    match learner {
        EffectLearner::Linear | EffectLearner::Forest | EffectLearner::R | EffectLearner::S => 1,
        EffectLearner::Dr | EffectLearner::T => 1 + k,
        EffectLearner::X => 1 + 4 * k,
    }
}

fn rows_of(arms: &[usize], arm: usize) -> Vec<usize> {
    (0..arms.len()).filter(|&i| arms[i] == arm).collect()
}

fn basis(data: &LearnerData<'_>, w: &[f64]) -> Result<(EffectBasis, crate::learner::Design), EffectError> {
    let design = imputed(data.x)?;
    let names: Vec<&str> = data.x.columns().iter().map(|c| c.name.as_str()).collect();
    Ok((fit_basis(&design, &names, w)?, design))
}

fn linear(
    params: &LearnerParams<'_>,
    data: &LearnerData<'_>,
    watch: Watch<'_>,
) -> Result<Vec<LinearEffect>, EffectError> {
    let scores = params.doubly_robust(data, watch)?;
    let (basis, design) = basis(data, &scores.weights)?;
    let k = data.treatments();
    let columns: Vec<Vec<f64>> = (0..k).map(|a| scores.gamma(0, a + 1, 0)).collect();
    let gamma = Array2::from_shape_fn((data.y.len(), k), |(i, a)| columns[a][i]);
    let fit = project(&basis, &design, gamma.view(), &scores.weights, &scores.clusters)?;
    Ok((0..k).map(|a| fit.one(a)).collect())
}

fn linear_r(
    params: &LearnerParams<'_>,
    data: &LearnerData<'_>,
    watch: Watch<'_>,
) -> Result<Vec<LinearEffect>, EffectError> {
    let rows = ForestRows {
        x: data.x,
        units: data.units,
        weights: data.weights,
    };
    let treatment = params.treatment(data);
    let centred = residuals(
        &rows,
        data.y,
        &treatment,
        params.ml_l,
        params.folds,
        params.seed,
        watch,
    )?;
    let w = data
        .weights
        .map_or_else(|| vec![1.0; data.y.len()], <[f64]>::to_vec);
    let (basis, design) = basis(data, &w)?;
    let clusters = Clusters::by_unit(data.units);
    project_residuals(&basis, &design, &centred.y, centred.d.view(), &w, &clusters)
}

/// Künzel et al. (2019): effects imputed to each side by the other side's outcomes, and the share of the arm.
fn crossed(
    params: &LearnerParams<'_>,
    data: &LearnerData<'_>,
    arms: &[usize],
    stages: &Stages<'_>,
) -> Result<Vec<Forest>, EffectError> {
    let means = |of: &Owned, y: &[f64]| stages.next(|watch| params.means(of, y, watch));
    let control = Owned::select(data, &rows_of(arms, 0));
    let mean_control = means(&control, &control.y)?;
    let mut forests = Vec::new();
    for arm in 1..=data.treatments() {
        let own = Owned::select(data, &rows_of(arms, arm));
        let mean_own = means(&own, &own.y)?;
        let foretold = |forest: &Forest, side: &Owned| -> Result<Vec<f64>, GrowError> {
            Ok(forest.predict_all(&side.x)?.iter().map(|e| e.tau).collect())
        };
        let less = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<f64>>();
        let to_own = less(&own.y, &foretold(&mean_control, &own)?);
        let to_control = less(&foretold(&mean_own, &control)?, &control.y);
        forests.push(means(&own, &to_own)?);
        forests.push(means(&control, &to_control)?);
        let both: Vec<usize> = (0..arms.len())
            .filter(|&i| arms[i] == 0 || arms[i] == arm)
            .collect();
        let share: Vec<f64> = both
            .iter()
            .map(|&i| f64::from(u8::from(arms[i] == arm)))
            .collect();
        forests.push(means(&Owned::select(data, &both), &share)?);
    }
    Ok(forests)
}

/// Some rows of the data, held.
pub(super) struct Owned {
    pub(super) x: Covariates,
    pub(super) units: Vec<Unit>,
    pub(super) w: Vec<f64>,
    pub(super) y: Vec<f64>,
    arms: Option<(Vec<usize>, usize)>,
    dose: Vec<f64>,
}

impl Owned {
    pub(super) fn select(data: &LearnerData<'_>, rows: &[usize]) -> Self {
        let pick = |v: &[f64]| rows.iter().map(|&i| v[i]).collect::<Vec<f64>>();
        let dose = match data.treatment {
            Given::Dose(d) => pick(d),
            Given::Arms(..) => Vec::new(),
        };
        Owned {
            x: data.x.select(rows),
            units: rows.iter().map(|&i| data.units[i]).collect(),
            w: data.weights.map_or_else(|| vec![1.0; rows.len()], pick),
            y: pick(data.y),
            arms: data
                .arms()
                .map(|(arms, n)| (rows.iter().map(|&i| arms[i]).collect(), n)),
            dose,
        }
    }

    fn of(data: &LearnerData<'_>) -> Self {
        let all: Vec<usize> = (0..data.y.len()).collect();
        Owned::select(data, &all)
    }

    pub(super) fn data(&self) -> LearnerData<'_> {
        LearnerData {
            x: &self.x,
            units: &self.units,
            weights: Some(&self.w),
            y: &self.y,
            treatment: match &self.arms {
                Some((arms, n)) => Given::Arms(arms, *n),
                None => Given::Dose(&self.dose),
            },
        }
    }
}
