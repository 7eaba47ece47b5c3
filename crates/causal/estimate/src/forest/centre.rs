//! Centring: outcome and treatment less what the covariates foretell, learned on other folds.

use ceteris_stats::{Unit, hash};
use ndarray::Array2;

use super::GrowError;
use crate::argument::ArgumentError;
use crate::crossfit::{CrossFitError, Hats, Key, Nuisance, Plan, Propensities, PropensitySource};
use crate::learner::{Design, Regressor};
use crate::progress::{Counter, Watch};
use crate::sample::{CheckedRows, Folds, Treatment};

/// Salt of the seeds that nuisance learners get.
const LEARNER_SALT: u64 = 0x0063_656e_7472;

/// Learners of what outcome and treatment are centred by.
#[derive(Clone, Copy)]
pub struct CentringLearners<'a> {
    /// Learns E[y | x].
    pub l: &'a dyn Regressor,
    /// How the treatment's expectation is had.
    pub m: TreatmentLearner<'a>,
}

/// How the expectation of a treatment is had.
#[derive(Clone, Copy)]
pub enum TreatmentLearner<'a> {
    /// The probabilities of arms.
    Arms(PropensitySource<'a>),
    /// Learns E[d | x] of a dose.
    Dose(&'a dyn Regressor),
}

/// Nuisances by cross-fitting, and what they leave.
#[derive(Clone, Debug, PartialEq)]
pub struct Centred {
    /// E[y | x].
    pub l_hat: Vec<f64>,
    /// P(arm | x), n × arms; for a dose E[d | x], n × 1.
    pub m_hat: Array2<f64>,
    /// y − l_hat.
    pub y: Vec<f64>,
    /// For each arm but control, having it less its probability; for a dose, d − m_hat. n × K.
    pub d: Array2<f64>,
}

/// The rows to centre, in the order in which nuisances are to see them.
#[derive(Clone, Copy)]
pub(super) struct Centring<'a> {
    pub(super) x: &'a Design,
    pub(super) unit: &'a [Unit],
    pub(super) w: &'a [f64],
    pub(super) y: &'a [f64],
    pub(super) d: Treatment<'a>,
    pub(super) learners: CentringLearners<'a>,
    /// Number of folds.
    pub(super) folds: usize,
    pub(super) seed: u64,
    /// Further steps of the fit, for its progress.
    pub(super) steps_after: usize,
}

/// What the treatment is centred by.
enum Mean<'a> {
    Arms(Propensities<'a>),
    Dose(Key),
}

impl Mean<'_> {
    /// P(arm | x), or E[d | x].
    fn of<'h>(&'h self, hats: &'h Hats) -> &'h Array2<f64> {
        match self {
            Mean::Arms(propensities) => propensities.of(hats),
            Mean::Dose(key) => hats.all(*key),
        }
    }
}

impl<'a> Centring<'a> {
    /// Learns both nuisances outside each fold and centres inside it. Gives the counter on, for what comes after.
    pub(super) fn run<'w>(&self, watch: Watch<'w>) -> Result<(Centred, Counter<'w>), GrowError> {
        // Each arm is in every training part.
        let strata = self.d.arms().map_or(&[][..], |arms| arms.of_row);
        let folds = [Folds::by_unit(self.unit, strata, self.folds, self.seed).map_err(CrossFitError::from)?];
        let mut plan = Plan::default();
        let l = plan.add(Nuisance::mean("l", self.learners.l, self.y));
        let (m, learned) = match (self.d, self.learners.m) {
            (Treatment::Arms(_), TreatmentLearner::Arms(PropensitySource::Known(m))) => {
                (Mean::Arms(Propensities::Known(m)), false)
            }
            (Treatment::Arms(arms), TreatmentLearner::Arms(PropensitySource::Learned(learner))) => {
                let key = plan.add(Nuisance::classes("m", learner, arms));
                (Mean::Arms(Propensities::Learned(key)), true)
            }
            (Treatment::Dose(d), TreatmentLearner::Dose(learner)) => {
                (Mean::Dose(plan.add(Nuisance::mean("m", learner, d))), true)
            }
            _ => {
                return Err(ArgumentError::Parameter {
                    name: "m",
                    range: "propensities where the treatment is one of arms, a regression where it is a dose",
                }
                .into());
            }
        };
        let counter = Counter::new(watch, plan.fits(&folds) + self.steps_after);
        // The learners see no units: rows lie in an order of their own, in which position is as good.
        let rows = CheckedRows {
            x: self.x,
            unit: None,
            w: self.w,
        };
        let nuisances = 1 + usize::from(learned);
        let seed_of = |task: usize| {
            let number = task % nuisances * self.folds + task / nuisances;
            hash(self.seed, &(number as u64).to_le_bytes(), LEARNER_SALT)
        };
        let fitted = plan.run(&rows, &folds, seed_of, &counter)?;
        let hats = &fitted.repeats[0];
        let (l_hat, m_hat) = (hats.only(l), m.of(hats).clone());
        let d = match self.d {
            Treatment::Arms(arms) => Array2::from_shape_fn((self.y.len(), arms.count - 1), |(i, a)| {
                f64::from(u8::from(arms.of_row[i] == a + 1)) - m_hat[[i, a + 1]]
            }),
            Treatment::Dose(d) => Array2::from_shape_fn((self.y.len(), 1), |(i, _)| d[i] - m_hat[[i, 0]]),
        };
        let y = self.y.iter().zip(&l_hat).map(|(y, l)| y - l).collect();
        Ok((Centred { l_hat, m_hat, y, d }, counter))
    }
}

impl Centred {
    /// Back to the order of the table, whose row `order[i]` is row i here.
    pub(super) fn renumbered(self, order: &[usize], n: usize) -> Self {
        let spread = |v: &[f64]| {
            let mut out = vec![0.0; n];
            order.iter().zip(v).for_each(|(&i, v)| out[i] = *v);
            out
        };
        let spread_rows = |m: &Array2<f64>| {
            let mut out = Array2::zeros((n, m.ncols()));
            order
                .iter()
                .zip(m.outer_iter())
                .for_each(|(&i, row)| out.row_mut(i).assign(&row));
            out
        };
        Centred {
            l_hat: spread(&self.l_hat),
            m_hat: spread_rows(&self.m_hat),
            y: spread(&self.y),
            d: spread_rows(&self.d),
        }
    }
}
