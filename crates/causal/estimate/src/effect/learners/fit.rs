//! The recipes.

use ceteris_effect::forest::{Covariates, Forest};
use ceteris_effect::{Column, EffectBasis, EffectLearner, EffectModel, LinearEffect, ModelKind};
use ceteris_stats::{Clusters, Unit};
use ndarray::{Array2, ArrayView1, Axis, concatenate};

use super::stages::Stages;
use super::{EffectError, project_residuals};
use crate::crossfit::PropensitySource;
use crate::dml::{ArmLearners, DmlError, DmlParams, FittedMultiArm, FoldPlan, multi_arm};
use crate::effect::{fit_basis, project};
use crate::forest::{
    CentringLearners, ForestParams, GrowError, TreatmentLearner, ValidForestParams, causal_forest, grow,
    imputed, residuals,
};
use crate::learner::{Classifier, Design, Regressor};
use crate::progress::Watch;
use crate::sample::{Arms, ForestSample, Sample, Treatment};

/// The rows a learner reads; all covariates may change the effect.
pub type EffectSample<'a> = ForestSample<'a, Treatment<'a>>;

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
    /// What a sample's outcome and treatment are centred by.
    pub(super) fn centring(&self, sample: &EffectSample<'_>) -> CentringLearners<'_> {
        CentringLearners {
            l: self.ml_l,
            m: match sample.d {
                Treatment::Arms(_) => TreatmentLearner::Arms(PropensitySource::Learned(self.ml_m)),
                Treatment::Dose(_) => TreatmentLearner::Dose(self.ml_dose),
            },
        }
    }

    /// The multi-arm fit behind doubly robust scores.
    pub(super) fn doubly_robust(
        &self,
        sample: &EffectSample<'_>,
        watch: Watch<'_>,
    ) -> Result<FittedMultiArm, EffectError> {
        let Some(arms) = sample.d.arms() else {
            return Err(EffectError::Dose { learner: "dr" });
        };
        let params = DmlParams {
            folds: FoldPlan::ByUnit { k: self.folds },
            repeats: 1,
            seed: self.seed,
            clip: self.clip,
            trim: None,
        };
        let params = params.check().map_err(DmlError::from)?;
        let sample = Sample {
            y: ArrayView1::from(sample.y).insert_axis(Axis(1)),
            d: arms,
            z: None,
            x: &imputed(sample.x)?,
            weight: sample.weight,
            unit: sample.unit,
            cluster: None,
        };
        let learners = ArmLearners {
            g: self.ml_l,
            m: PropensitySource::Learned(self.ml_m),
        };
        Ok(multi_arm(&params, &sample, learners, watch)?)
    }

    fn forest_params(&self) -> Result<ValidForestParams, GrowError> {
        let params = ForestParams {
            seed: self.seed,
            ..self.forest.clone()
        };
        Ok(params.check()?)
    }

    /// A forest of means of `y` over some rows of a table.
    fn means(&self, rows: &Owned, y: &[f64], watch: Watch<'_>) -> Result<Forest, GrowError> {
        let none = Array2::zeros((y.len(), 0));
        let sample = ForestSample {
            y,
            d: none.view(),
            z: None,
            x: &rows.x,
            weight: Some(&rows.w),
            unit: &rows.unit,
            cluster: None,
        };
        Ok(grow(&self.forest_params()?, &sample, watch)?.forest)
    }
}

/// Fits one learner.
///
/// # Errors
/// A dose given to a learner of arms, and whatever nuisances, forests and projections answer.
pub fn fit_effects(
    learner: EffectLearner,
    params: &LearnerParams<'_>,
    sample: &EffectSample<'_>,
    watch: Watch<'_>,
) -> Result<EffectModel, EffectError> {
    let stages = Stages::new(watch, stages_of(learner, sample.d.effects()));
    let kind = match (learner, sample.d.arms()) {
        (EffectLearner::Forest, _) => {
            let (forest, learners) = (params.forest_params()?, params.centring(sample));
            let fit = causal_forest(&forest, sample, learners, params.folds, watch)?;
            ModelKind::Forests(vec![fit.grown.forest])
        }
        (EffectLearner::R, _) => ModelKind::Linear(linear_r(params, sample, watch)?),
        (_, None) => {
            return Err(EffectError::Dose {
                learner: learner.name(),
            });
        }
        (EffectLearner::Linear, Some(_)) => ModelKind::Linear(linear(params, sample, watch)?),
        (EffectLearner::Dr, Some(_)) => {
            let scores = stages.next(|watch| params.doubly_robust(sample, watch))?;
            let all = Owned::of(sample);
            let forest = |a| stages.next(|watch| params.means(&all, &scores.gamma(0, a + 1, 0), watch));
            ModelKind::Forests((0..sample.d.effects()).map(forest).collect::<Result<_, _>>()?)
        }
        (EffectLearner::T, Some(arms)) => {
            let forest = |a| {
                let own = Owned::select(sample, &rows_of(arms.of_row, a));
                stages.next(|watch| params.means(&own, &own.y, watch))
            };
            ModelKind::Forests((0..arms.count).map(forest).collect::<Result<_, _>>()?)
        }
        (EffectLearner::X, Some(arms)) => ModelKind::Forests(crossed(params, sample, arms.of_row, &stages)?),
        (EffectLearner::S, Some(arms)) => {
            let mut all = Owned::of(sample);
            let levels = (0..arms.count).map(|a| a.to_string()).collect();
            let mut columns = sample.x.columns().to_vec();
            columns.push(Column::categorical("(arm)", levels));
            let arm = Array2::from_shape_fn((arms.of_row.len(), 1), |(i, _)| arms.of_row[i] as f64);
            all.x = Covariates::new(concatenate![Axis(1), sample.x.values(), arm], columns)
                .map_err(GrowError::from)?;
            ModelKind::Forests(vec![params.means(&all, &all.y, watch)?])
        }
    };
    let columns = sample.x.columns().to_vec();
    Ok(EffectModel::new(learner, columns, sample.d.effects(), kind)?)
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

fn basis(sample: &EffectSample<'_>, w: &[f64]) -> Result<(EffectBasis, Design), EffectError> {
    let design = imputed(sample.x)?;
    let names: Vec<&str> = sample.x.columns().iter().map(|c| c.name.as_str()).collect();
    Ok((fit_basis(&design, &names, w)?, design))
}

fn linear(
    params: &LearnerParams<'_>,
    sample: &EffectSample<'_>,
    watch: Watch<'_>,
) -> Result<Vec<LinearEffect>, EffectError> {
    let scores = params.doubly_robust(sample, watch)?;
    let (basis, design) = basis(sample, &scores.weights)?;
    let k = sample.d.effects();
    let columns: Vec<Vec<f64>> = (0..k).map(|a| scores.gamma(0, a + 1, 0)).collect();
    let gamma = Array2::from_shape_fn((sample.y.len(), k), |(i, a)| columns[a][i]);
    let fit = project(&basis, &design, gamma.view(), &scores.weights, &scores.clusters)?;
    Ok((0..k).map(|a| fit.one(a)).collect())
}

fn linear_r(
    params: &LearnerParams<'_>,
    sample: &EffectSample<'_>,
    watch: Watch<'_>,
) -> Result<Vec<LinearEffect>, EffectError> {
    let learners = params.centring(sample);
    let centred = residuals(sample, learners, params.folds, params.seed, watch)?;
    let w = sample
        .weight
        .map_or_else(|| vec![1.0; sample.y.len()], <[f64]>::to_vec);
    let (basis, design) = basis(sample, &w)?;
    let clusters = Clusters::by_unit(sample.unit);
    project_residuals(&basis, &design, &centred.y, centred.d.view(), &w, &clusters)
}

/// Künzel et al. (2019): effects imputed to each side by the other side's outcomes, and the share of the arm.
fn crossed(
    params: &LearnerParams<'_>,
    sample: &EffectSample<'_>,
    arms: &[usize],
    stages: &Stages<'_>,
) -> Result<Vec<Forest>, EffectError> {
    let means = |of: &Owned, y: &[f64]| stages.next(|watch| params.means(of, y, watch));
    let control = Owned::select(sample, &rows_of(arms, 0));
    let mean_control = means(&control, &control.y)?;
    let mut forests = Vec::new();
    for arm in 1..=sample.d.effects() {
        let own = Owned::select(sample, &rows_of(arms, arm));
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
        forests.push(means(&Owned::select(sample, &both), &share)?);
    }
    Ok(forests)
}

/// Some rows of a sample, held.
pub(super) struct Owned {
    pub(super) x: Covariates,
    pub(super) unit: Vec<Unit>,
    pub(super) w: Vec<f64>,
    pub(super) y: Vec<f64>,
    d: OwnedTreatment,
}

enum OwnedTreatment {
    Arms(Vec<usize>, usize),
    Dose(Vec<f64>),
}

impl Owned {
    pub(super) fn select(sample: &EffectSample<'_>, rows: &[usize]) -> Self {
        let pick = |v: &[f64]| rows.iter().map(|&i| v[i]).collect::<Vec<f64>>();
        Owned {
            x: sample.x.select(rows),
            unit: rows.iter().map(|&i| sample.unit[i]).collect(),
            w: sample.weight.map_or_else(|| vec![1.0; rows.len()], pick),
            y: pick(sample.y),
            d: match sample.d {
                Treatment::Arms(arms) => {
                    OwnedTreatment::Arms(rows.iter().map(|&i| arms.of_row[i]).collect(), arms.count)
                }
                Treatment::Dose(d) => OwnedTreatment::Dose(pick(d)),
            },
        }
    }

    fn of(sample: &EffectSample<'_>) -> Self {
        let all: Vec<usize> = (0..sample.y.len()).collect();
        Owned::select(sample, &all)
    }

    pub(super) fn sample(&self) -> EffectSample<'_> {
        ForestSample {
            y: &self.y,
            d: match &self.d {
                OwnedTreatment::Arms(of_row, count) => Treatment::Arms(Arms {
                    of_row,
                    count: *count,
                }),
                OwnedTreatment::Dose(d) => Treatment::Dose(d),
            },
            z: None,
            x: &self.x,
            weight: Some(&self.w),
            unit: &self.unit,
            cluster: None,
        }
    }
}
