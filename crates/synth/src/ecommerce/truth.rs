//! The true effects: coefficients on the raw effect basis, and what they come to for a unit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::arm::Arm;
use super::features::Features;
use super::structure::{
    AD_BROWSING_S, BUY_PER_BROWSING_S, Coupon, amount_if_bought, coupon_probabilities, nuisances,
};

/// tau(x) on `purchase_decision` as coefficients on raw features: probability, probability per second, per session,
/// per unit of currency.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EffectCoefficients {
    /// Of 1.
    pub intercept: f64,
    /// Of price_sensitivity.
    pub price_sensitivity: f64,
    /// Of avg_session_duration.
    pub avg_session_duration: f64,
    /// Of session_frequency.
    pub session_frequency: f64,
    /// Of historical_spend: 0, for in the graph it reaches the purchase through price sensitivity only.
    pub historical_spend: f64,
}

impl EffectCoefficients {
    /// Term and coefficient; the constant is called `1`.
    pub fn terms(&self) -> [(&'static str, f64); 5] {
        [
            ("1", self.intercept),
            ("price_sensitivity", self.price_sensitivity),
            ("avg_session_duration", self.avg_session_duration),
            ("session_frequency", self.session_frequency),
            ("historical_spend", self.historical_spend),
        ]
    }

    /// tau(x).
    pub fn at(&self, x: &Features) -> f64 {
        self.intercept
            + self.price_sensitivity * x.price_sensitivity
            + self.avg_session_duration * x.avg_session_duration
            + self.session_frequency * x.session_frequency
            + self.historical_spend * x.historical_spend
    }
}

/// The true coefficients of an arm's effect on `purchase_decision`.
pub fn coefficients(arm: Arm) -> EffectCoefficients {
    match arm {
        Arm::Coupon5 => EffectCoefficients {
            intercept: 0.025,
            price_sensitivity: 0.09,
            avg_session_duration: 0.00003,
            session_frequency: -0.002,
            historical_spend: 0.0,
        },
        Arm::Coupon10 => EffectCoefficients {
            intercept: 0.05,
            price_sensitivity: 0.20,
            avg_session_duration: 0.00006,
            session_frequency: -0.004,
            historical_spend: 0.0,
        },
        Arm::FreeShipping => EffectCoefficients {
            intercept: 0.02,
            price_sensitivity: 0.04,
            avg_session_duration: 0.00002,
            session_frequency: 0.001,
            historical_spend: 0.0,
        },
        Arm::Ad => EffectCoefficients {
            intercept: BUY_PER_BROWSING_S * AD_BROWSING_S,
            price_sensitivity: 0.0,
            avg_session_duration: 0.0,
            session_frequency: 0.0,
            historical_spend: 0.0,
        },
    }
}

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
