//! Where propensities come from, and what a recipe uses of them.

use ndarray::Array2;

use super::{Hats, Key, Nuisance, Plan};
use crate::argument::{ArgumentError, check_known};
use crate::learner::Classifier;
use crate::sample::Arms;
use crate::score::{ClipReport, clip_propensities};

/// Where propensities come from.
#[derive(Clone, Copy)]
pub enum PropensitySource<'a> {
    /// Estimated by cross-fitting, then clipped.
    Learned(&'a dyn Classifier),
    /// Known by design or from a decision log, n × K. Taken as they are: never re-estimated, never clipped.
    Known(&'a Array2<f64>),
}

/// Propensities in a plan of cross-fitting.
#[derive(Clone, Copy)]
pub(crate) enum Propensities<'a> {
    Learned(Key),
    Known(&'a Array2<f64>),
}

impl<'a> PropensitySource<'a> {
    /// Puts the nuisance that has to be learned into the plan, or checks the propensities that are known.
    pub(crate) fn plan(
        self,
        plan: &mut Plan<'a>,
        name: &'static str,
        arms: Arms<'a>,
    ) -> Result<Propensities<'a>, ArgumentError> {
        match self {
            PropensitySource::Learned(learner) => Ok(Propensities::Learned(
                plan.add(Nuisance::classes(name, learner, arms)),
            )),
            PropensitySource::Known(m) => {
                check_known(m, arms.of_row, arms.count)?;
                Ok(Propensities::Known(m))
            }
        }
    }
}

impl Propensities<'_> {
    /// The propensities before clipping, n × K.
    pub(crate) fn of<'h>(&'h self, hats: &'h Hats) -> &'h Array2<f64> {
        match self {
            Propensities::Learned(key) => hats.all(*key),
            Propensities::Known(m) => m,
        }
    }

    /// The propensities to use: learned ones clipped, and what that did.
    pub(crate) fn clipped(&self, hats: &Hats, clip: f64) -> (Array2<f64>, Option<ClipReport>) {
        let mut m = self.of(hats).clone();
        let report = match self {
            Propensities::Learned(_) => Some(clip_propensities(&mut m, clip)),
            Propensities::Known(_) => None,
        };
        (m, report)
    }
}
