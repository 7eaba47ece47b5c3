//! A fitted learner: what an artifact holds, and what answers one row at a time without allocating.

use ndarray::{Array2, Axis, concatenate};
use rayon::prelude::*;

use crate::forest::{Covariates, Forest, ForestError, Scratch};
use crate::{Column, Effect, EffectLearner, LinearEffect};

/// Rows of one parallel task.
const BLOCK_ROWS: usize = 64;

/// Why arrays are no model, or a model could not be asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// A forest could not be asked.
    #[error("{0}")]
    Forest(#[from] ForestError),
    /// Parts that are no model.
    #[error("the arrays are not those of an effect model: {0}")]
    Parts(&'static str),
}

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

/// The difference of two means whose rows are not shared, so that their variances add.
fn apart(own: Effect, control: Effect) -> Effect {
    Effect {
        tau: own.tau - control.tau,
        std_error: own.std_error.hypot(control.std_error),
    }
}

/// The effects imputed to either side, each trusted where the other side has more rows.
fn mixed(own: Effect, control: Effect, share: Effect) -> Effect {
    let share = share.tau.clamp(0.0, 1.0);
    Effect {
        tau: share * control.tau + (1.0 - share) * own.tau,
        std_error: f64::NAN,
    }
}

/// The difference of two answers of one forest, whose joint error is not known.
fn shared(own: Effect, control: Effect) -> Effect {
    Effect {
        tau: own.tau - control.tau,
        std_error: f64::NAN,
    }
}

impl EffectModel {
    /// Puts a model together, checking that its parts are those of the learner.
    ///
    /// # Errors
    /// [`ModelError::Parts`].
    pub fn new(
        learner: EffectLearner,
        columns: Vec<Column>,
        treatments: usize,
        kind: ModelKind,
    ) -> Result<Self, ModelError> {
        let k = treatments;
        let sound = k > 0
            && match (&kind, learner) {
                (ModelKind::Linear(effects), EffectLearner::Linear | EffectLearner::R) => {
                    let whole = |e: &LinearEffect| {
                        let q = e.basis.q();
                        e.beta.len() == q && e.cov.len() == q * q && e.basis == effects[0].basis
                    };
                    let modifiers = |e: &LinearEffect| {
                        let own = e.basis.modifiers();
                        own.len() == columns.len() && own.iter().zip(&columns).all(|(m, c)| m.is_of(c))
                    };
                    effects.len() == k && effects.iter().all(whole) && modifiers(&effects[0])
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
            return Err(ModelError::Parts("they are not what the learner leaves"));
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
    ) -> Result<(), ModelError> {
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
                    return Err(ModelError::Parts("the room given was made for another model"));
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
            return Err(ModelError::Parts("the room given was made for another model"));
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
                    *out = apart(one[0], control);
                }
            }
            EffectLearner::X => {
                for (a, out) in out.iter_mut().enumerate() {
                    let mut mean = |f| -> Result<Effect, ForestError> {
                        ask(3 * a + f, x, one)?;
                        Ok(one[0])
                    };
                    *out = mixed(mean(0)?, mean(1)?, mean(2)?);
                }
            }
            EffectLearner::S => {
                let (arm, row) = (x.len(), &mut scratch.row);
                row[..arm].copy_from_slice(x);
                row[arm] = 0.0;
                ask(0, row, one)?;
                let control = one[0];
                for (a, out) in out.iter_mut().enumerate() {
                    row[arm] = (a + 1) as f64;
                    ask(0, row, one)?;
                    *out = shared(one[0], control);
                }
            }
            EffectLearner::Linear | EffectLearner::R => out.fill(UNKNOWN),
        }
        Ok(())
    }

    /// Whether every number of a row lies in the range of the training rows; where arms have forests of their own, of
    /// each arm's.
    pub fn in_support(&self, x: &[f64]) -> bool {
        match &self.kind {
            ModelKind::Linear(effects) => effects[0].basis.in_support(x),
            // A forest of outcomes knows the columns it shares with the model; the arm is no column of a row.
            ModelKind::Forests(forests) if self.learner == EffectLearner::S => {
                let mut row = x.to_vec();
                row.push(0.0);
                forests[0].in_support(&row)
            }
            ModelKind::Forests(forests) => forests.iter().all(|f| f.in_support(x)),
        }
    }

    /// The effects of every row, K a row, in parallel; the bits are those of [`EffectModel::predict`].
    ///
    /// # Errors
    /// Columns that are not those of the fit.
    pub fn predict_all(&self, x: &Covariates) -> Result<Vec<Effect>, ModelError> {
        if x.columns() != self.columns {
            return Err(ForestError::Columns {
                found: x.columns().len(),
                expected: self.columns.len(),
            }
            .into());
        }
        match &self.kind {
            ModelKind::Linear(_) => self.rows(x),
            ModelKind::Forests(forests) => Ok(self.blocks(forests, x)?),
        }
    }

    /// Row by row, in parallel.
    fn rows(&self, x: &Covariates) -> Result<Vec<Effect>, ModelError> {
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

    /// Forest by forest over all rows, so that a tree stays in the cache for a block of them.
    fn blocks(&self, forests: &[Forest], x: &Covariates) -> Result<Vec<Effect>, ForestError> {
        if self.learner == EffectLearner::Forest {
            return forests[0].predict_all(x);
        }
        let k = self.treatments;
        let mut all = vec![UNKNOWN; x.n() * k];
        let mut put = |a: usize, of_row: &dyn Fn(usize) -> Effect| {
            all.iter_mut()
                .skip(a)
                .step_by(k)
                .enumerate()
                .for_each(|(i, out)| *out = of_row(i));
        };
        match self.learner {
            EffectLearner::T => {
                let control = forests[0].predict_all(x)?;
                for a in 0..k {
                    let own = forests[a + 1].predict_all(x)?;
                    put(a, &|i| apart(own[i], control[i]));
                }
            }
            EffectLearner::X => {
                for (a, forests) in forests.chunks(3).enumerate() {
                    let (own, control) = (forests[0].predict_all(x)?, forests[1].predict_all(x)?);
                    let share = forests[2].predict_all(x)?;
                    put(a, &|i| mixed(own[i], control[i], share[i]));
                }
            }
            EffectLearner::S => {
                let control = forests[0].predict_all(&with_arm(&forests[0], x, 0)?)?;
                for a in 0..k {
                    let own = forests[0].predict_all(&with_arm(&forests[0], x, a + 1)?)?;
                    put(a, &|i| shared(own[i], control[i]));
                }
            }
            _ => {
                for (a, forest) in forests.iter().enumerate() {
                    let own = forest.predict_all(x)?;
                    put(a, &|i| own[i]);
                }
            }
        }
        Ok(all)
    }
}

/// The table with one arm for every row as its last column.
fn with_arm(forest: &Forest, x: &Covariates, arm: usize) -> Result<Covariates, ForestError> {
    let last = Array2::from_elem((x.n(), 1), arm as f64);
    Covariates::new(concatenate![Axis(1), x.values(), last], forest.columns().to_vec())
}
