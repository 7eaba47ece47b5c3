//! Checked fixed point: sums that do not depend on the order of their terms.

/// Parts of one: values are kept to a millionth.
pub const MICROS: f64 = 1e6;
/// Largest magnitude of a value that is summed. With it a 128-bit sum cannot overflow before 10^20 events.
pub const FIXED_MAX: f64 = 1e12;

/// `x` in millionths, rounded to the nearest (ties to even); `None` beyond [`FIXED_MAX`] or if it is no number.
pub(crate) fn to_fixed(x: f64) -> Option<i64> {
    (x.abs() <= FIXED_MAX).then(|| (x * MICROS).round_ties_even() as i64)
}

/// A sum of millionths as a number.
pub(crate) fn from_fixed(sum: i128) -> f64 {
    sum as f64 / MICROS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenths_add_up_and_the_unbounded_is_refused() {
        let sum: i128 = (0..10).filter_map(|_| to_fixed(0.1)).map(i128::from).sum();
        assert_eq!(from_fixed(sum), 1.0);
        assert_eq!(to_fixed(-1e12), Some(-1_000_000_000_000_000_000));
        assert_eq!(to_fixed(1.1e12), None);
        assert_eq!(to_fixed(f64::NAN), None);
        assert_eq!(to_fixed(f64::INFINITY), None);
    }
}
