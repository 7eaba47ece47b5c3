//! The variance between little bags, less the noise of a bag's few trees.

/// Debiases a variance between bags of few trees.
///
/// `between` is the mean square of the bags' mean influences, `total` that of the trees', `bag` the trees of a bag. The
/// noise `(total − between)/(bag − 1)` is subtracted; since that may leave less than nothing, the answer is the
/// posterior mean of the variance under a flat prior on the non-negative numbers, with the estimate normal of
/// standard error `max(between, noise) sqrt(2/bags)`.
///
/// Source: Athey, Tibshirani and Wager (2019), section 4.1, and the objective Bayes correction of their software.
pub(super) fn debiased(between: f64, total: f64, bag: usize, bags: usize) -> f64 {
    let noise = (total - between) / (bag - 1) as f64;
    let estimate = between - noise;
    let error = between.max(noise) * (2.0 / bags as f64).sqrt();
    if error.is_nan() || error <= 0.0 {
        return estimate.max(0.0);
    }
    let ratio = estimate / error;
    // The mean of a normal cut off below at zero lies phi(ratio)/Phi(ratio) errors above its centre.
    let density = (-0.5 * ratio * ratio).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let mass = 0.5 * libm::erfc(-ratio * std::f64::consts::FRAC_1_SQRT_2);
    if mass < 1e-300 {
        // Far in the tail the truncated mean is error / |ratio|.
        return error / ratio.abs();
    }
    estimate + error * density / mass
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sure_variance_is_left_alone() {
        let v = debiased(1.0, 1.2, 2, 100_000);
        assert!((v - 0.8).abs() < 1e-6);
    }

    #[test]
    fn noise_alone_is_a_half_normal_mean() {
        // between = noise: the estimate is 0 and the answer error * sqrt(2/pi).
        let v = debiased(1.0, 2.0, 2, 200);
        assert!((v - 0.1 * (2.0 / std::f64::consts::PI).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn it_is_never_negative() {
        for total in [0.0, 1.0, 3.0, 50.0, 1e6] {
            assert!(debiased(1.0, total, 2, 50) >= 0.0, "{total}");
        }
        assert_eq!(debiased(0.0, 0.0, 2, 50), 0.0);
    }
}
