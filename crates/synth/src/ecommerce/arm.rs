//! The arms of the world, as requests and effects name them.

use std::collections::BTreeMap;

use ceteris_contract::decide::Candidate;
use ceteris_contract::value::Value;
use serde::{Deserialize, Serialize};

/// One thing that can be given at an opportunity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Arm {
    /// Coupon of 5 per cent.
    #[serde(rename = "coupon_5pct")]
    Coupon5,
    /// Coupon of 10 per cent.
    #[serde(rename = "coupon_10pct")]
    Coupon10,
    /// Free shipping.
    #[serde(rename = "free_shipping")]
    FreeShipping,
    /// An ad.
    #[serde(rename = "ad")]
    Ad,
}

impl Arm {
    /// All of them.
    pub const ALL: [Arm; 4] = [Arm::Coupon5, Arm::Coupon10, Arm::FreeShipping, Arm::Ad];
    /// Those whose effect on a unit is identified from what is measured, so that they may be decided.
    pub const DECIDED: [Arm; 3] = [Arm::Coupon5, Arm::Coupon10, Arm::FreeShipping];

    /// The `treatment_id`.
    pub fn id(self) -> &'static str {
        match self {
            Arm::Coupon5 => "coupon_5pct",
            Arm::Coupon10 => "coupon_10pct",
            Arm::FreeShipping => "free_shipping",
            Arm::Ad => "ad",
        }
    }

    /// The arm with this `treatment_id`.
    pub fn from_id(id: &str) -> Option<Self> {
        Arm::ALL.into_iter().find(|arm| arm.id() == id)
    }

    /// The treatment's name, the `type` of requests.
    pub fn treatment(self) -> &'static str {
        match self {
            Arm::Coupon5 | Arm::Coupon10 => "coupon",
            Arm::FreeShipping => "free_shipping",
            Arm::Ad => "ad",
        }
    }

    /// As an entry of a request's `available_treatments`.
    pub fn candidate(self) -> Candidate {
        let dose = match self {
            Arm::Coupon5 => Some(5.0),
            Arm::Coupon10 => Some(10.0),
            Arm::FreeShipping | Arm::Ad => None,
        };
        let parameters: BTreeMap<String, Value> = dose
            .map(|percent| ("discount_percent".to_owned(), Value::Number(percent)))
            .into_iter()
            .collect();
        Candidate {
            treatment_id: self.id().to_owned(),
            kind: self.treatment().to_owned(),
            parameters,
        }
    }
}
