//! Where a spline's knots stand.

/// Weight left outside the outer knots on each side: beyond them a spline is a straight line.
const OUTER_KNOT_QUANTILE: f64 = 0.01;
/// By how much of itself a sum of weights must miss its mark to miss it: where it is met exactly, as with weights of few
/// values, rounding, which follows the order of rows, must not move the knot.
pub(in crate::learner) const WEIGHT_TIE: f64 = 1e-9;

/// Number of distinct values, each with its weight, that are of positive weight, counted no further than `limit`.
pub(crate) fn distinct_up_to(values: impl Iterator<Item = (f64, f64)>, limit: usize) -> usize {
    let mut seen: Vec<f64> = Vec::with_capacity(limit);
    for (v, _) in values.filter(|(_, w)| *w > 0.0) {
        if !seen.contains(&v) {
            seen.push(v);
            if seen.len() == limit {
                break;
            }
        }
    }
    seen.len()
}

/// Values of those observed, each with its weight, for knots: without repeats, in increasing order.
///
/// A value that holds more than its share of the weight (zero spend, say) is a knot of its own; the other knots are
/// weighted quantiles, from 1 % to 99 %, of the rest. A column of few values gets a knot at each of them.
pub(crate) fn quantile_knots(values: impl Iterator<Item = (f64, f64)>, knots: usize) -> Vec<f64> {
    let mut sorted: Vec<(f64, f64)> = values.filter(|(_, w)| *w > 0.0).collect();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut rest: Vec<(f64, f64)> = Vec::new();
    for (v, w) in sorted {
        match rest.last_mut() {
            Some(last) if last.0 == v => last.1 += w,
            _ => rest.push((v, w)),
        }
    }
    let mut picked: Vec<f64> = Vec::with_capacity(knots);
    while picked.len() < knots && rest.len() > knots - picked.len() {
        let share = rest.iter().map(|(_, w)| w).sum::<f64>() / (knots - picked.len()) as f64;
        match rest.iter().position(|(_, w)| *w > share * (1.0 + WEIGHT_TIE)) {
            Some(spike) => picked.push(rest.remove(spike).0),
            None => {
                picked.extend(weighted_quantiles(&rest, knots - picked.len()));
                rest.clear();
            }
        }
    }
    picked.extend(rest.iter().take(knots - picked.len()).map(|(v, _)| *v));
    picked.sort_unstable_by(f64::total_cmp);
    picked.dedup();
    picked
}

/// `count` weighted quantiles of sorted (value, weight) pairs, evenly spaced between the outer ones.
fn weighted_quantiles(sorted: &[(f64, f64)], count: usize) -> Vec<f64> {
    let total: f64 = sorted.iter().map(|(_, w)| w).sum();
    let (mut at, mut below) = (0, sorted[0].1);
    let quantile = |i: usize| {
        let u = if count == 1 {
            0.5
        } else {
            i as f64 / (count - 1) as f64
        };
        let goal = total * (OUTER_KNOT_QUANTILE + u * (1.0 - 2.0 * OUTER_KNOT_QUANTILE));
        while below < goal * (1.0 - WEIGHT_TIE) && at + 1 < sorted.len() {
            at += 1;
            below += sorted[at].1;
        }
        sorted[at].0
    };
    (0..count).map(quantile).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn even(values: impl IntoIterator<Item = f64>) -> impl Iterator<Item = (f64, f64)> {
        values.into_iter().map(|v| (v, 1.0))
    }

    #[test]
    fn evenly_spaced_for_an_even_column() {
        let knots = quantile_knots(even((0..=1000).map(f64::from)), 5);
        assert_eq!(knots, [10.0, 255.0, 500.0, 745.0, 990.0]);
    }

    #[test]
    fn rounding_moves_no_knot() {
        // Half of the weight is 25 values, whatever each weighs and however the sum of them is rounded.
        let of = |w: f64| quantile_knots((0..50).map(|v| (f64::from(v), w)), 3);
        for w in [0.1, 0.3, 1.0 / 3.0, 0.7, 1.1] {
            assert_eq!(of(w), of(1.0), "{w}");
        }
    }

    #[test]
    fn rows_without_weight_place_no_knot() {
        let knots = quantile_knots([(1.0, 1.0), (2.0, 1.0), (3.0, 1.0), (99.0, 0.0)].into_iter(), 6);
        assert_eq!(knots, [1.0, 2.0, 3.0]);
    }

    #[test]
    fn a_heavy_value_is_a_knot_of_its_own() {
        let values: Vec<f64> = (0..100)
            .map(|i| if i < 60 { 0.0 } else { f64::from(i) })
            .collect();
        let knots = quantile_knots(even(values), 4);
        assert_eq!(knots, [0.0, 60.0, 79.0, 99.0]);
    }
}
