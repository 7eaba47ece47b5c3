//! Held-out rows made ready to judge effects: residuals, and doubly robust scores where there are arms.

use ndarray::Array2;

use super::stages::Stages;
use super::{EffectError, EffectSample, LearnerParams};
use crate::dml::FittedMultiArm;
use crate::forest::residuals;
use crate::progress::Watch;

/// What effects are judged by: nuisances cross-fitted on the judged rows themselves.
#[derive(Clone, Debug)]
pub struct Held {
    /// y less its mean given x.
    pub y: Vec<f64>,
    /// The treatments less theirs, n × K.
    pub d: Array2<f64>,
    /// Doubly robust scores of each arm against control, n × K; none for a dose.
    pub gamma: Option<Array2<f64>>,
    /// Doubly robust scores of the potential means, n × (K + 1); none for a dose.
    pub potential: Option<Array2<f64>>,
}

/// Cross-fits nuisances on the rows and scores them.
///
/// # Errors
/// Whatever the nuisances answer.
pub fn held_out_scores(
    params: &LearnerParams<'_>,
    sample: &EffectSample<'_>,
    watch: Watch<'_>,
) -> Result<Held, EffectError> {
    let stages = Stages::new(watch, 1 + usize::from(sample.d.arms().is_some()));
    let (learners, folds) = (params.centring(sample), params.folds);
    let centred = stages.next(|watch| residuals(sample, learners, folds, params.seed, watch))?;
    let fitted = match sample.d.arms() {
        Some(_) => Some(stages.next(|watch| params.doubly_robust(sample, watch))?),
        None => None,
    };
    let k = sample.d.effects();
    let columns = |of: &dyn Fn(&FittedMultiArm, usize) -> Vec<f64>, width: usize| {
        fitted.as_ref().map(|fit| {
            let columns: Vec<Vec<f64>> = (0..width).map(|a| of(fit, a)).collect();
            Array2::from_shape_fn((sample.y.len(), width), |(i, a)| columns[a][i])
        })
    };
    Ok(Held {
        y: centred.y,
        d: centred.d,
        gamma: columns(&|fit, a| fit.gamma(0, a + 1, 0), k),
        potential: columns(&|fit, a| fit.repeats[0].potential[0].column(a).to_vec(), k + 1),
    })
}
