//! Several parameters of one sample at once, through their influence functions.

use ceteris_stats::Clusters;
use ndarray::{Array2, ArrayView2};

use super::estimate::{Root, degrees_of_freedom, root};
use super::small_sample::inflation;
use super::{Estimate, InferenceError};
use crate::score::Scores;

/// Parameters with their joint sampling distribution.
///
/// Held as cluster sums of influence: `theta_hat - theta` is about the sum over clusters of `influence[c]`, so the
/// covariance is `influence' influence`, and any function of the parameters, any joint band and any multiplicity
/// correction reads this alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Joint {
    estimates: Vec<f64>,
    /// G × q, CR2-corrected where clusters are few.
    influence: Array2<f64>,
    n: usize,
    clusters: usize,
}

impl Joint {
    /// The parameters of linear scores on the same rows: outcomes, arms, subgroups.
    ///
    /// # Errors
    /// As [`super::solve`], for the first score at fault.
    pub fn of_scores(scores: &[Scores], w: &[f64], clusters: &Clusters) -> Result<Self, InferenceError> {
        let count = clusters.weighted_count(w);
        let mut estimates = Vec::with_capacity(scores.len());
        let mut influence = Array2::zeros((clusters.count(), scores.len()));
        for (j, score) in scores.iter().enumerate() {
            let Root { theta, slope } = root(score, w, clusters)?;
            let psi: Vec<f64> = score
                .at(theta)
                .iter()
                .zip(w)
                .map(|(p, w)| p * w / slope)
                .collect();
            let mut sums = clusters.sums_of(&psi);
            if degrees_of_freedom(count).is_some() {
                let factors = inflation(&score.psi_a, w, clusters);
                sums.iter_mut().zip(factors).for_each(|(s, f)| *s *= f);
            }
            influence
                .column_mut(j)
                .iter_mut()
                .zip(sums)
                .for_each(|(at, s)| *at = s);
            estimates.push(theta);
        }
        Ok(Joint {
            estimates,
            influence,
            n: clusters.n(),
            clusters: count,
        })
    }

    /// Parameters with given influence: n × q, each row its term of `theta_hat - theta`.
    ///
    /// # Errors
    /// [`InferenceError::Length`] where rows and clusters, or columns and estimates, disagree.
    pub fn of_influence(
        estimates: Vec<f64>,
        influence: ArrayView2<f64>,
        w: &[f64],
        clusters: &Clusters,
    ) -> Result<Self, InferenceError> {
        let rows = clusters.n();
        for (what, found, rows) in [
            ("influence", influence.nrows(), rows),
            ("weights", w.len(), rows),
            ("columns of influence", influence.ncols(), estimates.len()),
        ] {
            if found != rows {
                return Err(InferenceError::Length { what, found, rows });
            }
        }
        let count = clusters.weighted_count(w);
        let mut influence = clusters.sums(influence);
        if degrees_of_freedom(count).is_some() {
            // Without a slope of each row to tell leverage by, the factor of CR1.
            let g = count as f64;
            let factor = (g / (g - 1.0)).sqrt();
            influence.mapv_inplace(|v| v * factor);
        }
        Ok(Joint {
            estimates,
            influence,
            n: rows,
            clusters: count,
        })
    }

    /// Number of parameters.
    pub fn len(&self) -> usize {
        self.estimates.len()
    }

    /// True without parameters.
    pub fn is_empty(&self) -> bool {
        self.estimates.is_empty()
    }

    /// The point estimates.
    pub fn estimates(&self) -> &[f64] {
        &self.estimates
    }

    /// Cluster sums of influence, G × q.
    pub(super) fn influence(&self) -> &Array2<f64> {
        &self.influence
    }

    /// Degrees of freedom of Student's t where clusters are few.
    pub(super) fn df(&self) -> Option<f64> {
        degrees_of_freedom(self.clusters)
    }

    /// The covariance of the estimates, q × q.
    pub fn covariance(&self) -> Array2<f64> {
        self.influence.t().dot(&self.influence)
    }

    /// One parameter.
    pub fn one(&self, j: usize) -> Estimate {
        let mut l = vec![0.0; self.len()];
        l[j] = 1.0;
        self.contrast(&l)
    }

    /// The combination `l'theta`, `l` with one coefficient a parameter.
    pub fn contrast(&self, l: &[f64]) -> Estimate {
        let squares: f64 = self.influence_on(l).iter().map(|s| s.powi(2)).sum();
        let error = if self.clusters < 2 {
            f64::NAN
        } else {
            squares.sqrt()
        };
        Estimate {
            estimate: dot(&self.estimates, l),
            std_error: error,
            n: self.n,
            clusters: self.clusters,
            df: self.df(),
        }
    }

    /// Each cluster's influence on `l'theta`, in the order of unit keys.
    pub fn influence_on(&self, l: &[f64]) -> Vec<f64> {
        self.influence.outer_iter().map(|row| dot(row, l)).collect()
    }

    /// The combinations `L theta` as parameters of their own: `combinations` is r × q.
    pub fn combine(&self, combinations: ArrayView2<f64>) -> Joint {
        let theta = ndarray::ArrayView1::from(&self.estimates);
        Joint {
            estimates: combinations.dot(&theta).to_vec(),
            influence: self.influence.dot(&combinations.t()),
            n: self.n,
            clusters: self.clusters,
        }
    }
}

fn dot<'v>(v: impl IntoIterator<Item = &'v f64>, l: &[f64]) -> f64 {
    v.into_iter().zip(l).map(|(v, l)| v * l).sum()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::inference::solve;

    #[test]
    fn each_parameter_is_the_one_its_score_gives_alone() {
        let a = Scores::mean_of((0..60).map(|i| f64::from(i % 7)).collect());
        let b = Scores {
            psi_a: (0..60).map(|i| 1.0 + f64::from(i % 3)).collect(),
            psi_b: (0..60).map(|i| f64::from(i % 5)).collect(),
        };
        for clusters in [Clusters::rows(60), by_tens()] {
            let joint = Joint::of_scores(&[a.clone(), b.clone()], &[1.0; 60], &clusters).unwrap();
            for (j, score) in [&a, &b].into_iter().enumerate() {
                let alone = solve(score, &[1.0; 60], &clusters).unwrap();
                assert!((joint.one(j).std_error - alone.std_error).abs() < 1e-15);
                assert_eq!(
                    (joint.one(j).estimate, joint.one(j).df),
                    (alone.estimate, alone.df)
                );
            }
        }
    }

    fn by_tens() -> Clusters {
        Clusters::by_unit(
            &(0..60u64)
                .map(|i| ceteris_stats::Unit::from(i / 10))
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn combinations_carry_their_covariance() {
        let a = Scores::mean_of((0..60).map(|i| f64::from(i % 7)).collect());
        let b = Scores::mean_of((0..60).map(|i| f64::from(i % 7) + f64::from(i % 2)).collect());
        let joint = Joint::of_scores(&[a, b], &[1.0; 60], &Clusters::rows(60)).unwrap();
        let gap = joint.combine(array![[-1.0, 1.0]].view()).one(0);
        // The difference is i mod 2: mean and variance are known.
        assert!((gap.estimate - 0.5).abs() < 1e-12);
        assert!((gap.std_error - (0.25f64 / 60.0).sqrt()).abs() < 1e-12);
        assert_eq!(joint.contrast(&[-1.0, 1.0]).std_error, gap.std_error);
    }
}
