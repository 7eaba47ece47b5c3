//! What a user is like: drawn once, and reaching the outcome through measured features only.

use super::features::Region;
use crate::random::Stream;

/// One user's lasting traits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traits {
    /// Mean days between visits.
    pub gap_days: f64,
    /// Typical length of a visit in seconds.
    pub duration_s: f64,
    /// What the price-sensitivity score starts from, on the logit scale.
    pub thrift: f64,
    /// Where the user lives.
    pub region: Region,
    /// Typical amount of a purchase in the first weeks.
    pub spend: f64,
    /// Number of purchases in the first weeks.
    pub early_purchases: usize,
}

impl Traits {
    pub(super) fn draw(stream: &mut Stream) -> Self {
        Traits {
            gap_days: stream.between(3.5, 10.0),
            duration_s: 120.0 * libm::exp(stream.uniform() * libm::log(5.0)),
            thrift: 1.15 * stream.normal(),
            region: Region::ALL[stream.below(Region::ALL.len())],
            spend: stream.between(25.0, 75.0),
            early_purchases: [0, 1, 1, 2, 3][stream.below(5)],
        }
    }

    /// The length of one visit, between 72 and 840 seconds.
    pub(super) fn visit_s(&self, draw: f64) -> u32 {
        (self.duration_s * (0.6 + 0.8 * draw)) as u32
    }

    /// The score in thousandths: thrifty users and those who have spent little score high.
    pub(super) fn sensitivity_milli(&self, spend: f64) -> u32 {
        let logit = self.thrift + 0.75 - 0.85 * libm::log1p(spend / 60.0);
        libm::round(1000.0 / (1.0 + libm::exp(-logit))) as u32
    }
}
