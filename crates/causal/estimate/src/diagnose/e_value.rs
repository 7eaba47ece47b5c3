//! The E-value: how strongly a hidden confounder would have to be tied to both treatment and outcome, as risk ratios.

use serde::{Deserialize, Serialize};

use crate::inference::Estimate;

/// E-values of an effect and of the end of its interval nearest to no effect.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EValue {
    /// The risk ratio judged, about what a difference of that many standard deviations is.
    pub risk_ratio: f64,
    /// E-value of the estimate.
    pub point: f64,
    /// E-value of the interval's end nearest to no effect; 1 where the interval holds it.
    pub limit: f64,
}

/// `RR + sqrt(RR (RR - 1))` of a risk ratio, or of its inverse below one.
///
/// ```
/// use ceteris_estimate::diagnose::e_value::e_value;
/// assert!((e_value(3.9) - 7.263).abs() < 1e-3); // VanderWeele and Ding's example
/// assert_eq!(e_value(1.0), 1.0);
/// ```
///
/// Source: VanderWeele and Ding (2017).
pub fn e_value(risk_ratio: f64) -> f64 {
    let rr = if risk_ratio < 1.0 {
        1.0 / risk_ratio
    } else {
        risk_ratio
    };
    rr + (rr * (rr - 1.0)).sqrt()
}

/// E-values of a difference in means, through `RR = exp(0.91 difference / sd)`; the interval is the estimate's own at
/// `level`, and `sd` the outcome's standard deviation.
///
/// Source: VanderWeele and Ding (2017), table 2; Chinn (2000) for the conversion.
pub fn e_value_of_difference(estimate: &Estimate, sd: f64, level: f64) -> EValue {
    let ratio = |difference: f64| (0.91 * difference / sd).exp();
    let [low, high] = estimate.ci(level);
    let limit = if low > 0.0 {
        e_value(ratio(low))
    } else if high < 0.0 {
        e_value(ratio(high))
    } else {
        1.0
    };
    EValue {
        risk_ratio: ratio(estimate.estimate),
        point: e_value(ratio(estimate.estimate)),
        limit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_symmetric_and_an_interval_around_zero_needs_nothing() {
        let of = |estimate: f64, std_error: f64| {
            let e = Estimate {
                estimate,
                std_error,
                n: 100,
                clusters: 100,
                df: None,
            };
            e_value_of_difference(&e, 2.0, 0.95)
        };
        let (up, down) = (of(1.0, 0.1), of(-1.0, 0.1));
        assert!((up.point - down.point).abs() < 1e-12 && (up.limit - down.limit).abs() < 1e-12);
        assert!(1.0 < up.limit && up.limit < up.point);
        assert_eq!(of(0.1, 0.1).limit, 1.0);
    }
}
