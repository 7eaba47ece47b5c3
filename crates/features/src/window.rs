//! The window of a view as cells: the far edge moves by whole buckets, so an event's cell says when it leaves.

use ceteris_contract::duration::Span;

/// A look-back window whose far edge is floored to a bucket.
///
/// `floor(t, bucket) - span <= ts` holds exactly where `cell(ts) >= live(t)`: with `k = t div bucket`,
/// `k·bucket - span <= ts` iff `k <= (ts + span) div bucket`. So the cell is the newest bucket of decision instants
/// in which the event still counts, also where the span is no multiple of the bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    span_us: i64,
    bucket_us: i64,
}

impl Window {
    pub(crate) fn new(span: Span, bucket: Span) -> Self {
        Window {
            span_us: span.0.max(0),
            bucket_us: bucket.0.max(1),
        }
    }

    /// The cell of an event.
    pub(crate) fn cell(&self, ts: i64) -> i64 {
        ts.saturating_add(self.span_us).div_euclid(self.bucket_us)
    }

    /// The first cell that counts at `at`.
    pub(crate) fn live(&self, at: i64) -> i64 {
        at.div_euclid(self.bucket_us)
    }

    /// The earliest instant that falls into `cell`.
    pub(crate) fn start(&self, cell: i64) -> i64 {
        cell.saturating_mul(self.bucket_us).saturating_sub(self.span_us)
    }

    /// No event older than this before an instant can count at it.
    pub(crate) fn reach_us(&self) -> i64 {
        self.span_us.saturating_add(self.bucket_us)
    }
}

#[cfg(test)]
mod tests {
    use ceteris_contract::time::Timestamp;

    use super::*;

    #[test]
    fn cells_agree_with_the_definition_for_every_edge() {
        for (span, bucket) in [(0, 0), (7, 3), (6, 3), (1, 5), (10, 1), (0, 4)] {
            let window = Window::new(Span(span), Span(bucket));
            for at in 0..40 {
                let edge = Timestamp(at).floor(Span(bucket)).0 - span;
                for ts in -30..40 {
                    assert_eq!(
                        window.cell(ts) >= window.live(at),
                        ts >= edge,
                        "{span} {bucket} {at} {ts}"
                    );
                    assert!(window.start(window.cell(ts)) <= ts && ts < window.start(window.cell(ts) + 1));
                }
                assert!(edge >= at - window.reach_us());
            }
        }
    }
}
