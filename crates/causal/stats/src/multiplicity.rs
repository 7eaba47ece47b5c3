//! Several hypotheses at once, from their p-values alone. What uses their dependence is in the bootstrap.

/// Holm's step-down adjustment of p-values: the share of false rejections of any true hypothesis stays below the
/// level whatever their dependence. NaN stays NaN and counts as a hypothesis.
///
/// ```
/// use ceteris_stats::holm;
/// assert_eq!(holm(&[0.04, 0.01, 0.03]), [0.06, 0.03, 0.06]);
/// ```
///
/// Source: Holm (1979).
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let m = p_values.len();
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_unstable_by(|&a, &b| p_values[a].total_cmp(&p_values[b]).then(a.cmp(&b)));
    let mut adjusted = vec![f64::NAN; m];
    let mut least: f64 = 0.0;
    for (rank, &j) in order.iter().enumerate() {
        if p_values[j].is_nan() {
            continue;
        }
        least = least.max(((m - rank) as f64 * p_values[j]).min(1.0));
        adjusted[j] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjusted_values_keep_their_order_and_stay_probabilities() {
        let raw = [0.5, 0.001, 0.9, f64::NAN, 0.02];
        let held = holm(&raw);
        assert!((held[1] - 0.005).abs() < 1e-15 && (held[4] - 0.08).abs() < 1e-15);
        assert_eq!((held[0], held[2]), (1.0, 1.0));
        assert!(held[3].is_nan());
    }
}
