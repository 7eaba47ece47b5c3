//! A fitted learner: what an artifact holds, and what answers one row at a time without allocating.

use rayon::prelude::*;

use super::{EffectError, EffectLearner};
use crate::effect::{Effect, LinearEffect};
use crate::forest::{Covariates, Forest, ForestError, Scratch};
use crate::learner::Column;

/// Rows of one parallel task.
const BLOCK_ROWS: usize = 64;

/// What a fitted learner is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelKind {
    /// One linear effect a treatment, on one basis whose modifiers are the columns (`linear`, `r`).
    Linear(Vec<LinearEffect>),
    /// Forests: of effects (`forest`: one); of scores (`dr`: one a treatment); of outcomes (`t`: one an arm; `s`: one, with
    /// the arm as last column); for each treatment of effects imputed to its own rows, to control's, and of the
    /// share of its own among both (`x`).
    Forests(Vec<Forest>),
}

/// A fitted learner of K effects per unit.
#[derive(Clone, Debug, PartialEq)]
pub struct EffectModel {
    learner: EffectLearner,
    columns: Vec<Column>,
    treatments: usize,
    kind: ModelKind,
}

/// Room for one question at a time, sized by [`EffectModel::scratch`].
#[derive(Clone, Debug)]
pub struct EffectScratch {
    forests: Vec<Scratch>,
    row: Vec<f64>,
    phi: Vec<f64>,
    one: [Effect; 1],
}

const UNKNOWN: Effect = Effect {
    tau: f64::NAN,
    std_error: f64::NAN,
};

impl EffectModel {
    /// Puts a model together, checking that its parts are those of the learner.
    ///
    /// # Errors
    /// [`EffectError::Parts`].
    pub fn new(
        learner: EffectLearner,
        columns: Vec<Column>,
        treatments: usize,
        kind: ModelKind,
    ) -> Result<Self, EffectError> {
        let k = treatments;
        let sound = k > 0
            && match (&kind, learner) {
                (ModelKind::Linear(effects), EffectLearner::Linear | EffectLearner::R) => {
                    let whole = |e: &LinearEffect| {
                        let q = e.basis.q();
                        e.beta.len() == q && e.cov.len() == q * q && e.basis == effects[0].basis
                    };
                    effects.len() == k
                        && effects.iter().all(whole)
                        && effects[0]
                            .basis
                            .modifiers()
                            .iter()
                            .map(|m| &m.name)
                            .eq(columns.iter().map(|c| &c.name))
                }
                (ModelKind::Forests(forests), _) => {
                    let (count, of_effects, wide) = match learner {
                        EffectLearner::Forest => (1, k, 0),
                        EffectLearner::Dr => (k, 0, 0),
                        EffectLearner::T => (k + 1, 0, 0),
                        EffectLearner::X => (3 * k, 0, 0),
                        EffectLearner::S => (1, 0, 1),
                        EffectLearner::Linear | EffectLearner::R => (0, 0, 0),
                    };
                    count > 0
                        && forests.len() == count
                        && forests.iter().all(|f| {
                            f.treatments() == of_effects
                                && f.columns().len() == columns.len() + wide
                                && f.columns()[..columns.len()] == columns
                        })
                }
                _ => false,
            };
        if !sound {
            return Err(EffectError::Parts("they are not what the learner leaves"));
        }
        Ok(EffectModel {
            learner,
            columns,
            treatments,
            kind,
        })
    }

    /// The learner.
    pub fn learner(&self) -> EffectLearner {
        self.learner
    }

    /// Columns of a row.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Number of effects, K.
    pub fn treatments(&self) -> usize {
        self.treatments
    }

    /// What it is made of.
    pub fn kind(&self) -> &ModelKind {
        &self.kind
    }

    /// Room for [`EffectModel::predict`].
    pub fn scratch(&self) -> EffectScratch {
        let (forests, phi) = match &self.kind {
            ModelKind::Linear(effects) => (Vec::new(), effects[0].basis.q()),
            ModelKind::Forests(forests) => (forests.iter().map(Forest::scratch).collect(), 0),
        };
        EffectScratch {
            forests,
            row: vec![0.0; self.columns.len() + 1],
            phi: vec![0.0; phi],
            one: [UNKNOWN],
        }
    }

    /// Writes the K effects at one row `x` (in the order of [`EffectModel::columns`], NaN being missing) into `out`,
    /// with NaN errors where the learner has none. Allocates nothing.
    ///
    /// # Errors
    /// Another number of columns or effects, or room made by another model.
    pub fn predict(
        &self,
        x: &[f64],
        scratch: &mut EffectScratch,
        out: &mut [Effect],
    ) -> Result<(), EffectError> {
        if x.len() != self.columns.len() {
            return Err(ForestError::Columns {
                found: x.len(),
                expected: self.columns.len(),
            }
            .into());
        }
        let forests = match &self.kind {
            ModelKind::Linear(effects) => {
                if out.len() != effects.len() || scratch.phi.len() != effects[0].basis.q() {
                    return Err(EffectError::Parts("the room given was made for another model"));
                }
                effects[0].basis.expand(x, &mut scratch.phi);
                for (out, effect) in out.iter_mut().zip(effects) {
                    *out = effect.at(&scratch.phi);
                }
                return Ok(());
            }
            ModelKind::Forests(forests) => forests,
        };
        if out.len() != self.treatments || scratch.forests.len() != forests.len() {
            return Err(EffectError::Parts("the room given was made for another model"));
        }
        let mut ask =
            |f: usize, x: &[f64], one: &mut [Effect]| forests[f].predict(x, &mut scratch.forests[f], one);
        let one = &mut scratch.one;
        match self.learner {
            EffectLearner::Forest => ask(0, x, out)?,
            EffectLearner::Dr => {
                for (a, out) in out.iter_mut().enumerate() {
                    ask(a, x, std::slice::from_mut(out))?;
                }
            }
            EffectLearner::T => {
                ask(0, x, one)?;
                let control = one[0];
                for (a, out) in out.iter_mut().enumerate() {
                    ask(a + 1, x, one)?;
                    // The arms share no rows, so their variances add.
                    *out = Effect {
                        tau: one[0].tau - control.tau,
                        std_error: one[0].std_error.hypot(control.std_error),
                    };
                }
            }
            EffectLearner::X => {
                for (a, out) in out.iter_mut().enumerate() {
                    let mut mean = |f| -> Result<f64, ForestError> {
                        ask(3 * a + f, x, one)?;
                        Ok(one[0].tau)
                    };
                    let (own, control, share) = (mean(0)?, mean(1)?, mean(2)?.clamp(0.0, 1.0));
                    *out = Effect {
                        tau: share * control + (1.0 - share) * own,
                        std_error: f64::NAN,
                    };
                }
            }
            EffectLearner::S => {
                let (arm, row) = (x.len(), &mut scratch.row);
                row[..arm].copy_from_slice(x);
                row[arm] = 0.0;
                ask(0, row, one)?;
                let control = one[0].tau;
                for (a, out) in out.iter_mut().enumerate() {
                    row[arm] = (a + 1) as f64;
                    ask(0, row, one)?;
                    *out = Effect {
                        tau: one[0].tau - control,
                        std_error: f64::NAN,
                    };
                }
            }
            EffectLearner::Linear | EffectLearner::R => out.fill(UNKNOWN),
        }
        Ok(())
    }

    /// Whether every number of a row lies in the range of the training rows.
    pub fn in_support(&self, x: &[f64]) -> bool {
        match &self.kind {
            ModelKind::Linear(effects) => effects[0].basis.in_support(x),
            // A forest of outcomes knows the columns it shares with the model; the arm is no column of a row.
            ModelKind::Forests(forests) if self.learner == EffectLearner::S => {
                let mut row = x.to_vec();
                row.push(0.0);
                forests[0].in_support(&row)
            }
            ModelKind::Forests(forests) => forests.iter().any(|f| f.in_support(x)),
        }
    }

    /// The effects of every row, K a row, in parallel.
    ///
    /// # Errors
    /// Columns that are not those of the fit.
    pub fn predict_all(&self, x: &Covariates) -> Result<Vec<Effect>, EffectError> {
        if x.columns() != self.columns {
            return Err(ForestError::Columns {
                found: x.columns().len(),
                expected: self.columns.len(),
            }
            .into());
        }
        let k = self.treatments;
        let mut all = vec![UNKNOWN; x.n() * k];
        all.par_chunks_mut(BLOCK_ROWS * k)
            .enumerate()
            .try_for_each(|(block, out)| {
                let mut scratch = self.scratch();
                let mut row = vec![0.0; self.columns.len()];
                for (i, out) in out.chunks_mut(k).enumerate() {
                    row.iter_mut()
                        .zip(x.row(block * BLOCK_ROWS + i))
                        .for_each(|(r, v)| *r = *v);
                    self.predict(&row, &mut scratch, out)?;
                }
                Ok(())
            })
            .map(|()| all)
    }
}
