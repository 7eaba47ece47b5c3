//! Errors clustered in two ways at once: buyers and days, say.

use ceteris_stats::Clusters;

use super::estimate::{Root, degrees_of_freedom, root};
use super::{Estimate, InferenceError};
use crate::score::Scores;

/// Solves a score as [`super::solve`] does, with errors that allow rows to depend on each other when they share
/// either cluster.
///
/// `V = V_1 + V_2 - V_12`, `V_12` over the pairs of clusters. The difference can fall below either of its parts, even
/// below zero, in small samples; the largest of the three is taken, so that the second way never shortens the error.
/// Each part carries `G/(G - 1)` of its own G, and under fifty clusters in the thinner way the reference is
/// t(G − 1) with that G.
///
/// Source: Cameron, Gelbach and Miller (2011); MacKinnon, Nielsen and Webb (2024) for taking the largest.
///
/// # Errors
/// As [`super::solve`].
pub fn solve_two_way(
    scores: &Scores,
    w: &[f64],
    first: &Clusters,
    second: &Clusters,
) -> Result<Estimate, InferenceError> {
    let Root { theta, slope } = root(scores, w, first)?;
    root(scores, w, second)?;
    let psi: Vec<f64> = scores.at(theta).iter().zip(w).map(|(p, w)| p * w).collect();
    let part = |clusters: &Clusters| {
        let g = clusters.weighted_count(w) as f64;
        clusters.sum_of_squares(&psi) * g / (g - 1.0)
    };
    let (one, two) = (part(first), part(second));
    let both = part(&first.crossed(second));
    let count = first.weighted_count(w).min(second.weighted_count(w));
    let squares = if count < 2 {
        f64::NAN
    } else {
        (one + two - both).max(one).max(two)
    };
    Ok(Estimate {
        estimate: theta,
        std_error: squares.sqrt() / slope.abs(),
        n: scores.n(),
        clusters: count,
        df: degrees_of_freedom(count),
    })
}

#[cfg(test)]
mod tests {
    use ceteris_stats::Unit;

    use super::*;

    fn by(labels: [u64; 4]) -> Clusters {
        Clusters::by_unit(&labels.map(Unit::from))
    }

    #[test]
    fn by_hand() {
        // Mean 2 of 4, 2, 2, 0: residuals 2, 0, 0, -2. Rows pair off as (0,1),(2,3) and (0,2),(1,3).
        let scores = Scores::mean_of(vec![4.0, 2.0, 2.0, 0.0]);
        let e = solve_two_way(&scores, &[1.0; 4], &by([0, 0, 1, 1]), &by([0, 1, 0, 1])).unwrap();
        // Each way (4 + 4) 2, crossed 8 times 4/3.
        let squares: f64 = 16.0 + 16.0 - 8.0 * 4.0 / 3.0;
        assert!((e.std_error - squares.sqrt() / 4.0).abs() < 1e-14);
        assert_eq!((e.clusters, e.df), (2, Some(1.0)));
    }

    #[test]
    fn a_second_way_that_adds_nothing_is_the_first_way() {
        let scores = Scores::mean_of(vec![4.0, 1.0, 2.0, 0.0]);
        let same = solve_two_way(&scores, &[1.0; 4], &by([0, 0, 1, 1]), &by([0, 0, 1, 1])).unwrap();
        let squares = same.std_error * 4.0;
        // Cluster sums of the residuals about 1.75: 1.5 and -1.5, times G/(G - 1).
        assert!((squares * squares - 2.0 * 4.5).abs() < 1e-12);
    }
}
