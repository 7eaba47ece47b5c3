//! The operation part: what a model is held to before it is promoted. With what it is fitted is in the model part.

use serde::Serialize;

use super::unless;
use crate::problem::{Gates, Problem, defaults};

/// What judges a model.
#[derive(Debug, PartialEq, Serialize)]
pub struct OperationPart {
    #[serde(skip_serializing_if = "Option::is_none")]
    rows_per_arm_min: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clipped_share_max: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_share_max: Option<f64>,
}

impl OperationPart {
    pub(super) fn of(problem: &Problem) -> Self {
        let Problem {
            gates,
            // Of the model part and of the policy part.
            name: _,
            description: _,
            entity: _,
            source: _,
            graph: _,
            features: _,
            treatments: _,
            outcomes: _,
            effect_basis: _,
            policy: _,
            fallback: _,
        } = problem;
        let Gates {
            rows_per_arm_min,
            propensity_clip: _,
            clipped_share_max,
            missing_share_max,
        } = *gates;
        let default = defaults::GATES;
        OperationPart {
            rows_per_arm_min: unless(rows_per_arm_min, default.rows_per_arm_min),
            clipped_share_max: unless(clipped_share_max, default.clipped_share_max),
            missing_share_max: unless(missing_share_max, default.missing_share_max),
        }
    }
}
