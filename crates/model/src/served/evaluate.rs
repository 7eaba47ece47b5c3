//! tau(x) = beta' phi(x) and its standard error sqrt(phi(x)' V phi(x)), without an allocation once the scratch is warm.

use ceteris_contract::record::{Feature, PointEffect};
use ceteris_contract::value::Value;

use super::{ArmEffect, Model, Support, Term};

/// Buffers that a thread keeps from decision to decision.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The number, or the level's index (`LEVEL_UNSEEN` outside the levels), of each slot.
    values: Vec<f64>,
    phi: Vec<f64>,
}

/// No level of the model; equal to none of their indices.
const LEVEL_UNSEEN: f64 = -1.0;

/// Below this, intervals and sums over outcomes stay finite, and so survive their text form.
const EFFECT_MAX: f64 = 1e100;

/// One unit under one model: phi(x) is computed, effects are read off.
#[derive(Debug)]
pub struct Evaluation<'a> {
    model: &'a Model,
    phi: &'a [f64],
    in_support: bool,
}

impl Model {
    /// Computes phi(x) from a decision's features, which stand in the order of the problem's decision views.
    /// `None` where a feature it reads is missing.
    pub fn evaluate<'a>(&'a self, features: &[Feature], scratch: &'a mut Scratch) -> Option<Evaluation<'a>> {
        let mut in_support = true;
        scratch.values.clear();
        for slot in &self.features {
            let value = &features.get(slot.position)?.value;
            let number = match &slot.support {
                Support::Range(range) => {
                    let number = value.as_number()?;
                    in_support &= range.is_none_or(|[low, high]| (low..=high).contains(&number));
                    number
                }
                Support::Levels(levels) => {
                    let level = level_of(value, levels)?;
                    in_support &= level != LEVEL_UNSEEN;
                    level
                }
            };
            scratch.values.push(number);
        }
        scratch.phi.clear();
        for term in &self.terms {
            scratch.phi.push(match *term {
                Term::Intercept => 1.0,
                Term::Standardised { slot, center, scale } => (scratch.values[slot] - center) / scale,
                Term::Level { slot, level } => f64::from(u8::from(scratch.values[slot] == level as f64)),
            });
        }
        Some(Evaluation {
            model: self,
            phi: &scratch.phi,
            in_support,
        })
    }
}

/// Index of the value among the levels; `LEVEL_UNSEEN` for another category, `None` for a missing one.
fn level_of(value: &Value, levels: &[String]) -> Option<f64> {
    let place = match value {
        Value::Text(text) => levels.iter().position(|level| level == text),
        other => {
            let category = other.as_category()?;
            levels.iter().position(|level| *level == category)
        }
    };
    Some(place.map_or(LEVEL_UNSEEN, |p| p as f64))
}

impl Evaluation<'_> {
    /// True where every feature lies in what the training rows hold of it.
    pub fn in_support(&self) -> bool {
        self.in_support
    }

    /// The arm's effects by outcome, in the manifest's order; nothing where an effect is beyond `EFFECT_MAX`, which
    /// happens only for features absurdly far outside the support.
    pub fn effects<'b>(&'b self, arm: &str) -> impl Iterator<Item = (&'b str, PointEffect)> + 'b {
        let places = self.model.by_arm.get(arm).map_or(&[][..], Vec::as_slice);
        places.iter().filter_map(|&place| {
            let effect = &self.model.effects[place];
            let point = effect.at(self.phi);
            let sane = point.effect.abs() < EFFECT_MAX && point.std_error < EFFECT_MAX;
            sane.then_some((effect.outcome.as_str(), point))
        })
    }
}

impl ArmEffect {
    fn at(&self, phi: &[f64]) -> PointEffect {
        let q = phi.len();
        let effect = self.beta.iter().zip(phi).map(|(b, p)| b * p).sum();
        let mut variance = 0.0;
        for (row, p) in self.covariance.chunks_exact(q.max(1)).zip(phi) {
            variance += p * row.iter().zip(phi).map(|(v, p)| v * p).sum::<f64>();
        }
        // Rounding may leave a variance of zero slightly below it; a NaN must stay one.
        let variance = if variance < 0.0 { 0.0 } else { variance };
        PointEffect {
            effect,
            std_error: variance.sqrt(),
        }
    }
}
