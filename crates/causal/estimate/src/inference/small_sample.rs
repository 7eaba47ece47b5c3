//! Honest errors of few clusters: the CR2 correction, and Satterthwaite's degrees of freedom.
//!
//! For a linear score, cluster c holds the share `h_c = sum_{i in c} w psi_a / sum w psi_a` of the slope. Where the
//! score is that of a least squares regression on one (partialled-out) regressor, and the mean is one, `h_c` is the
//! cluster's leverage and both formulas below are exact under independent errors of equal variance.

use ceteris_stats::Clusters;

use super::InferenceError;
use super::estimate::root;
use crate::score::Scores;

/// How near a share may come to one before the cluster counts as deciding the estimate.
const DECIDES: f64 = 1e-9;

/// `sum_c s_c^2 / (1 - h_c)`, `s_c` the cluster sums of the weighted `psi`; NaN where one cluster holds the whole
/// slope. A negative share, which instruments can give, counts as zero: the correction never shortens an error.
///
/// Source: Bell and McCaffrey (2002); Pustejovsky and Tipton (2018).
pub(super) fn cr2_sum_of_squares(psi: &[f64], psi_a: &[f64], w: &[f64], clusters: &Clusters) -> f64 {
    clusters
        .sums_of(psi)
        .iter()
        .zip(inflation(psi_a, w, clusters))
        .map(|(s, f)| (s * f) * (s * f))
        .sum()
}

/// `1 / sqrt(1 - h_c)` for each cluster.
pub(super) fn inflation(psi_a: &[f64], w: &[f64], clusters: &Clusters) -> Vec<f64> {
    shares(psi_a, w, clusters)
        .into_iter()
        .map(|h| match 1.0 - h.max(0.0) {
            rest if rest > DECIDES => 1.0 / rest.sqrt(),
            _ => f64::NAN,
        })
        .collect()
}

fn shares(psi_a: &[f64], w: &[f64], clusters: &Clusters) -> Vec<f64> {
    let slopes: Vec<f64> = psi_a.iter().zip(w).map(|(a, w)| a * w).collect();
    let slope: f64 = slopes.iter().sum();
    clusters.sums_of(&slopes).iter().map(|s| s / slope).collect()
}

/// Degrees of freedom of the CR2 error by Satterthwaite's approximation under independent errors of equal variance:
/// G − 1 where clusters hold equal shares of the slope, fewer where some hold much. Told beside t(G − 1), which is
/// too narrow where it is far below; NaN where one cluster decides.
///
/// With shares h that sum to one the error is a quadratic form of trace 1 whose squared eigenvalues add up to
/// `sum_c h_c^2 + sum_{c != d} (h_c h_d)^2 / ((1 - h_c)(1 - h_d))`.
///
/// # Errors
/// As [`super::solve`].
pub fn satterthwaite(scores: &Scores, w: &[f64], clusters: &Clusters) -> Result<f64, InferenceError> {
    root(scores, w, clusters)?;
    let h: Vec<f64> = shares(&scores.psi_a, w, clusters)
        .iter()
        .map(|h| h.max(0.0))
        .collect();
    if h.iter().any(|h| 1.0 - h <= DECIDES) {
        return Ok(f64::NAN);
    }
    let pull = |h: &f64| h * h / (1.0 - h);
    let total: f64 = h.iter().map(pull).sum();
    let squares: f64 = h.iter().map(|h| h * h + pull(h) * (total - pull(h))).sum();
    Ok(1.0 / squares)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_clusters_leave_one_degree_fewer() {
        let scores = Scores::mean_of((0..12).map(f64::from).collect());
        let units: Vec<_> = (0..12u64).map(|i| ceteris_stats::Unit::from(i / 2)).collect();
        let df = satterthwaite(&scores, &[1.0; 12], &Clusters::by_unit(&units)).unwrap();
        assert!((df - 5.0).abs() < 1e-12, "{df}");
    }

    #[test]
    fn a_heavy_cluster_costs_degrees_of_freedom() {
        let scores = Scores {
            psi_a: vec![8.0, 1.0, 1.0],
            psi_b: vec![1.0, 2.0, 3.0],
        };
        let df = satterthwaite(&scores, &[1.0; 3], &Clusters::rows(3)).unwrap();
        // Shares .8, .1, .1; pulls 3.2, 1/90, 1/90.
        let squares = 0.66 + 2.0 * (2.0 * 3.2 / 90.0 + 1.0 / 8100.0);
        assert!((df - 1.0 / squares).abs() < 1e-12, "{df}");
        assert!(df < 2.0);
    }
}
