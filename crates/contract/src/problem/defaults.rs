//! What a key of a problem file is where it does not stand there: one place for the reader, which fills it in, and for
//! the parts, whose digests leave such keys out.

use super::Gates;
use crate::duration::Span;

/// `entity`.
pub(super) const ENTITY: &str = "user";
/// `source.events.attribution`.
pub(super) const ATTRIBUTION: Span = Span::minutes(5);
/// `source.events.lateness`.
pub(super) const LATENESS: Span = Span::minutes(60);
/// `source.events.controls_per_treated`.
pub(super) const CONTROLS_PER_TREATED: f64 = 3.0;
/// `policy.significance_level`.
pub(super) const SIGNIFICANCE_LEVEL: f64 = 0.05;
/// `policy.exploration`.
pub(super) const EXPLORATION: f64 = 0.05;
/// `policy.holdout`.
pub(super) const HOLDOUT: f64 = 0.05;
/// `gates`.
pub(super) const GATES: Gates = Gates {
    rows_per_arm_min: 50,
    propensity_clip: 0.01,
    clipped_share_max: 0.1,
    missing_share_max: 0.2,
};

/// `policy.propensity_floor`: what exploration alone guarantees `arms` arms and control, one percent at the most.
pub(super) fn propensity_floor(exploration: f64, arms: usize) -> f64 {
    (exploration / (arms + 1) as f64).clamp(0.0, 0.01)
}

/// A view's `bucket`: the coarsest usual one, up to an hour, that divides the window.
pub(super) fn bucket(window: Span) -> Span {
    let usual = [Span::minutes(60), Span::minutes(1), Span(1_000_000)];
    usual
        .into_iter()
        .find(|b| window.0 > 0 && window.0 % b.0 == 0)
        .unwrap_or(Span(1))
}

/// A view's `ttl`.
pub(super) fn ttl(window: Span, bucket: Span) -> Span {
    Span(window.0 + bucket.0)
}
