//! One file a method: fit, and what there is to say about the fit.

pub(super) mod arms;
pub(super) mod dose;
pub(super) mod front_door;
pub(super) mod instrument;
pub(super) mod irm;
pub(super) mod matching;
pub(super) mod plr;

use ceteris_estimate::diagnose::sensitivity::{Confounding, Sensitivity as Strength};
use ceteris_estimate::dml::Fitted;
use ceteris_estimate::inference::Estimate as Found;
use ndarray::Array2;

use super::learners::refused;
use super::question::EstimateQuestion;
use super::report::{OmittedConfounder, Sensitivity};
use super::rows::EstimateRows;
use crate::{LEVEL, StudyError};

/// The estimate of a fit: clustered in two ways where the question says so.
fn found<N>(fit: &Fitted<N>, sample: &EstimateRows) -> Result<Found, StudyError> {
    match sample.second {
        None => Ok(fit.estimate.clone()),
        Some(_) => fit.two_way().map_err(refused),
    }
}

/// What a confounder that was left out would have to be.
fn sensitivity(asked: &EstimateQuestion, strength: &Strength) -> Sensitivity {
    let rho = 1.0;
    let (cf_y, cf_d) = (asked.cf_y, asked.cf_d);
    let bounds = strength.bounds(Confounding { cf_y, cf_d, rho }, LEVEL);
    Sensitivity::OmittedConfounder {
        bounds: OmittedConfounder {
            cf_y,
            cf_d,
            rho,
            bounds: bounds.map(|bounds| bounds.theta),
            bounds_ci: bounds.map(|bounds| bounds.ci),
            rv: strength.robustness_value(0.0, 1.0),
            rva: strength.robustness_value_with_confidence(0.0, 1.0, LEVEL),
        },
        e_value: None,
    }
}

/// Propensities of both arms, and the arm of each row.
fn two_arms(m: &[f64], d: &[f64]) -> (Array2<f64>, Vec<usize>) {
    let table = Array2::from_shape_fn((m.len(), 2), |(i, arm)| if arm == 1 { m[i] } else { 1.0 - m[i] });
    (table, d.iter().map(|d| *d as usize).collect())
}
