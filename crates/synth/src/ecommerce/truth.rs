//! The true effects of every arm: what the coefficients and the structural equations come to for a unit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::arm::Arm;
use super::coefficients::coefficients;
use super::features::Features;
use super::structure::{Coupon, amount_if_bought, coupon_probabilities, nuisances};

/// An arm's true effects on a unit against control of the same treatment, the other treatments as usual.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmEffect {
    /// Difference in P(purchase in (t, t + 7d]).
    pub purchase_decision: f64,
    /// Difference in the expected amount bought in (t, t + 7d], in currency.
    pub purchase_amount: f64,
}

/// The true effects of every arm on one unit at one instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrueEffects {
    effects: [ArmEffect; 4],
}

impl TrueEffects {
    /// The effects at these features. Any vector of features may be asked.
    pub fn at(x: &Features) -> Self {
        TrueEffects {
            effects: Arm::ALL.map(|arm| ArmEffect {
                purchase_decision: coefficients(arm).at(x),
                purchase_amount: amount_effect(arm, x),
            }),
        }
    }

    /// The effects of one arm.
    pub fn of(&self, arm: Arm) -> ArmEffect {
        match arm {
            Arm::Coupon5 => self.effects[0],
            Arm::Coupon10 => self.effects[1],
            Arm::FreeShipping => self.effects[2],
            Arm::Ad => self.effects[3],
        }
    }

    /// The effects on `purchase_decision` or `purchase_amount` by `treatment_id`; none for other names.
    pub fn by_name(&self, treatment_id: &str, outcome: &str) -> Option<f64> {
        let effect = self.of(Arm::from_id(treatment_id)?);
        match outcome {
            "purchase_decision" => Some(effect.purchase_decision),
            "purchase_amount" => Some(effect.purchase_amount),
            _ => None,
        }
    }

    /// All of them by `treatment_id`.
    pub fn by_arm(&self) -> BTreeMap<&'static str, ArmEffect> {
        Arm::ALL.into_iter().map(|arm| (arm.id(), self.of(arm))).collect()
    }
}

/// E[amount | do(arm)] - E[amount | do(control)]. Given x and the coupon, whether and for how much are independent, so
/// an expectation is a product of P(purchase) and the mean amount.
fn amount_effect(arm: Arm, x: &Features) -> f64 {
    let tau = coefficients(arm).at(x);
    let coupon = match arm {
        Arm::Coupon5 => Coupon::Five,
        Arm::Coupon10 => Coupon::Ten,
        Arm::FreeShipping | Arm::Ad => {
            let mean_amount: f64 = Coupon::ALL
                .iter()
                .zip(coupon_probabilities(x))
                .map(|(coupon, p)| p * amount_if_bought(x, *coupon))
                .sum();
            return tau * mean_amount;
        }
    };
    let usual = nuisances(x);
    let shipping = usual.free_shipping * coefficients(Arm::FreeShipping).at(x);
    let untreated = usual.purchase_untreated + shipping;
    (untreated + tau) * amount_if_bought(x, coupon) - untreated * amount_if_bought(x, Coupon::None)
}
