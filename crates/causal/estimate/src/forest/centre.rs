//! Centring: outcome and treatment less what the covariates foretell, learned on other folds.

use ceteris_stats::{Unit, hash};
use ndarray::{Array2, ArrayView1, Axis};
use rayon::prelude::*;

use super::GrowError;
use super::progress::Counter;
use crate::dml::PropensitySource;
use crate::learner::{Design, LearnerError, Regressor};
use crate::sample::Folds;

/// Salt of the seeds that nuisance learners get.
const LEARNER_SALT: u64 = 0x0063_656e_7472;

/// The treatment of a forest.
#[derive(Clone, Copy)]
pub enum Treatment<'a> {
    /// One of several arms, 0 being control.
    Arms {
        /// The arm of each row.
        arms: &'a [usize],
        /// Number of arms, control included.
        n_arms: usize,
        /// How the arms' probabilities are had.
        propensity: PropensitySource<'a>,
    },
    /// A continuous dose, the effect being that of one unit more.
    Dose {
        /// The dose of each row.
        d: &'a [f64],
        /// Learns E[d | x].
        ml_m: &'a dyn Regressor,
    },
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

impl Treatment<'_> {
    /// Strata of the folds: the arms, so that each is in every training part.
    pub(super) fn strata(&self) -> &[usize] {
        match self {
            Treatment::Arms { arms, .. } => arms,
            Treatment::Dose { .. } => &[],
        }
    }

    /// Whether its nuisance is learned.
    pub(super) fn learned(&self) -> bool {
        !matches!(
            self,
            Treatment::Arms {
                propensity: PropensitySource::Known(_),
                ..
            }
        )
    }
}

/// Learns both nuisances outside each fold and centres inside it.
pub(super) fn centre(
    x: &Design,
    units: &[Unit],
    w: &[f64],
    y: &[f64],
    treatment: &Treatment<'_>,
    ml_l: &dyn Regressor,
    k: usize,
    seed: u64,
    counter: &Counter<'_>,
) -> Result<Centred, GrowError> {
    let folds = Folds::by_unit(units, treatment.strata(), k, seed)?;
    let mut tasks: Vec<(usize, bool)> = (0..k).map(|fold| (fold, false)).collect();
    if treatment.learned() {
        tasks.extend((0..k).map(|fold| (fold, true)));
    }
    let learned: Vec<Result<Array2<f64>, GrowError>> = tasks
        .par_iter()
        .enumerate()
        .map(|(number, &(fold, of_treatment))| {
            counter.go_on()?;
            let seed = hash(seed, &(number as u64).to_le_bytes(), LEARNER_SALT);
            let hat = learn(
                x,
                w,
                y,
                of_treatment.then_some(treatment),
                ml_l,
                &folds,
                fold,
                seed,
            );
            counter.one_done();
            hat.map_err(|source| GrowError::Learner {
                nuisance: if of_treatment { "m" } else { "l" },
                fold,
                source,
            })
        })
        .collect();
    let mut l_hat = vec![0.0; y.len()];
    let mut m_hat = match treatment {
        Treatment::Arms {
            propensity: PropensitySource::Known(m),
            ..
        } => (*m).clone(),
        Treatment::Arms { n_arms, .. } => Array2::zeros((y.len(), *n_arms)),
        Treatment::Dose { .. } => Array2::zeros((y.len(), 1)),
    };
    for (&(fold, of_treatment), hat) in tasks.iter().zip(learned) {
        for (&i, row) in folds.held_out(fold).iter().zip(hat?.outer_iter()) {
            if of_treatment {
                m_hat.row_mut(i).assign(&row);
            } else {
                l_hat[i] = row[0];
            }
        }
    }
    counter.go_on()?;
    let d = match treatment {
        Treatment::Arms { arms, n_arms, .. } => Array2::from_shape_fn((y.len(), n_arms - 1), |(i, a)| {
            f64::from(u8::from(arms[i] == a + 1)) - m_hat[[i, a + 1]]
        }),
        Treatment::Dose { d, .. } => Array2::from_shape_fn((y.len(), 1), |(i, _)| d[i] - m_hat[[i, 0]]),
    };
    let y = y.iter().zip(&l_hat).map(|(y, l)| y - l).collect();
    Ok(Centred { l_hat, m_hat, y, d })
}

/// One nuisance learned outside a fold and predicted inside it.
fn learn(
    x: &Design,
    w: &[f64],
    y: &[f64],
    treatment: Option<&Treatment<'_>>,
    ml_l: &dyn Regressor,
    folds: &Folds,
    fold: usize,
    seed: u64,
) -> Result<Array2<f64>, LearnerError> {
    let training = folds.training(fold);
    let train_x = x.select(&training);
    let held_x = x.select(&folds.held_out(fold));
    let train_w: Vec<f64> = training.iter().map(|&i| w[i]).collect();
    let mean = |learner: &dyn Regressor, target: &[f64]| {
        let target: Vec<f64> = training.iter().map(|&i| target[i]).collect();
        let target = ArrayView1::from(&target).insert_axis(Axis(1));
        learner.fit(&train_x, target, &train_w, seed)?.predict(&held_x)
    };
    match treatment {
        None => mean(ml_l, y),
        Some(Treatment::Dose { d, ml_m }) => mean(*ml_m, d),
        Some(Treatment::Arms {
            arms,
            n_arms,
            propensity,
        }) => match propensity {
            PropensitySource::Known(m) => Ok(m.select(Axis(0), &folds.held_out(fold))),
            PropensitySource::Learned(learner) => {
                let classes: Vec<usize> = training.iter().map(|&i| arms[i]).collect();
                learner
                    .fit(&train_x, &classes, *n_arms, &train_w, seed)?
                    .predict(&held_x)
            }
        },
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
