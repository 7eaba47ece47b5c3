//! The coefficients of the true effects on `purchase_decision`: what the structural equations add for each arm, and from
//! which the truth about a unit follows.

use serde::{Deserialize, Serialize};

use super::arm::Arm;
use super::features::Features;

/// Each second of browsing adds this much to the probability of a purchase.
pub(super) const BUY_PER_BROWSING_S: f64 = 0.0003;
/// An ad adds this many seconds of browsing: its only way to the purchase.
pub(super) const AD_BROWSING_S: f64 = 160.0;

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
