//! How long single pieces of work took: a histogram of three significant digits, and its quantiles.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// The longest span that is told apart, in nanoseconds: ten minutes. A longer one counts as this.
const SPAN_NS_MAX: u64 = 600_000_000_000;
const SIGNIFICANT_DIGITS: u8 = 3;

/// Spans of time, from a nanosecond to ten minutes.
pub(crate) struct Latencies(Histogram<u64>);

/// Quantiles in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Quantiles {
    /// How many spans they are of.
    pub(crate) count: u64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
    pub(crate) max_ms: f64,
}

impl Latencies {
    pub(crate) fn new() -> Latencies {
        // The bounds are constants that the histogram accepts.
        let histogram = Histogram::new_with_bounds(1, SPAN_NS_MAX, SIGNIFICANT_DIGITS);
        Latencies(histogram.expect("the bounds are in order"))
    }

    pub(crate) fn record(&mut self, span: Duration) {
        let ns = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        self.0.saturating_record(ns.max(1));
    }

    pub(crate) fn add(&mut self, more: &Latencies) {
        // Both have the same bounds, so that nothing of `more` lies outside.
        self.0.add(&more.0).expect("histograms of equal bounds add up");
    }

    pub(crate) fn quantiles(&self) -> Quantiles {
        let ms = |ns: u64| ns as f64 / 1e6;
        Quantiles {
            count: self.0.len(),
            p50_ms: ms(self.0.value_at_quantile(0.5)),
            p99_ms: ms(self.0.value_at_quantile(0.99)),
            p999_ms: ms(self.0.value_at_quantile(0.999)),
            max_ms: ms(self.0.max()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_all_spans_to_three_digits() {
        let (mut odd, mut even) = (Latencies::new(), Latencies::new());
        for us in 1..=10_000u64 {
            let half = if us % 2 == 1 { &mut odd } else { &mut even };
            half.record(Duration::from_micros(us));
        }
        odd.add(&even);
        let found = odd.quantiles();
        assert_eq!(found.count, 10_000);
        for (value, expected) in [
            (found.p50_ms, 5.0),
            (found.p99_ms, 9.9),
            (found.p999_ms, 9.99),
            (found.max_ms, 10.0),
        ] {
            assert!((value - expected).abs() <= expected * 1e-3, "{value} {expected}");
        }
    }

    #[test]
    fn what_is_too_long_or_nothing_counts_at_the_bound() {
        let mut latencies = Latencies::new();
        latencies.record(Duration::ZERO);
        latencies.record(Duration::MAX);
        let found = latencies.quantiles();
        assert_eq!(found.count, 2);
        assert!(found.p50_ms <= 1e-5 && found.max_ms >= 599_000.0, "{found:?}");
    }
}
