//! The multiplier bootstrap: joint bands and step-down tests that use how parameters depend on each other.
//!
//! Each draw multiplies the clusters' influence by independent weights of mean zero and variance one; nothing is
//! fitted again. Draws are keyed by (seed, draw), clusters taken in the order of unit keys, so the answer depends
//! neither on the order of rows nor on the number of threads.

use ceteris_stats::normal_quantile;
use ceteris_stats::{hash, uniform_of};
use ndarray::{Array2, Axis};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Estimate, Joint};

/// Salt that keeps these draws apart from others of the same seed.
const SALT: u64 = 0x6d75_6c74;
/// Most draws of one bootstrap: 1 000 give the .95 quantile to a few percent of itself.
const DRAWS_MAX: usize = 100_000;

/// The law of the multipliers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Multiplier {
    /// Standard normal.
    Normal,
    /// −1 or 1: the choice for few clusters (Cameron, Gelbach and Miller 2008).
    Rademacher,
    /// Mammen's two points, which keep the third moment (1993).
    Mammen,
}

/// Parameters of the bootstrap.
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | `draws` | 1000 | bootstrap samples |
/// | `multiplier` | normal | law of the weights |
/// | `seed` | 0 | all randomness |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootstrapParams {
    /// Bootstrap samples, from 1 to 100 000; others are brought into that range.
    pub draws: usize,
    /// Law of the weights.
    pub multiplier: Multiplier,
    /// All randomness.
    pub seed: u64,
}

impl Default for BootstrapParams {
    fn default() -> Self {
        BootstrapParams {
            draws: 1000,
            multiplier: Multiplier::Normal,
            seed: 0,
        }
    }
}

/// Bootstrap draws of the studentised parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Bootstrap {
    parameters: Vec<Estimate>,
    /// draws × q.
    t: Array2<f64>,
}

impl Joint {
    /// Draws the bootstrap.
    pub fn bootstrap(&self, params: &BootstrapParams) -> Bootstrap {
        let q = self.len();
        let draws = params.draws.clamp(1, DRAWS_MAX);
        let parameters: Vec<Estimate> = (0..q).map(|j| self.one(j)).collect();
        let influence = self.influence();
        let rows: Vec<Vec<f64>> = (0..draws)
            .into_par_iter()
            .map(|draw| {
                let mut sum = vec![0.0; q];
                let key = hash(params.seed, &(draw as u64).to_le_bytes(), SALT);
                for (c, row) in influence.outer_iter().enumerate() {
                    let xi = weight(params.multiplier, key, c as u64);
                    sum.iter_mut().zip(row).for_each(|(s, v)| *s += xi * v);
                }
                sum.iter()
                    .zip(&parameters)
                    .map(|(s, p)| s / p.std_error)
                    .collect()
            })
            .collect();
        let t = Array2::from_shape_fn((draws, q), |(b, j)| rows[b][j]);
        Bootstrap { parameters, t }
    }
}

fn weight(law: Multiplier, key: u64, cluster: u64) -> f64 {
    let u = uniform_of(hash(key, &cluster.to_le_bytes(), 0));
    match law {
        Multiplier::Normal => normal_quantile(u.max(f64::MIN_POSITIVE)),
        Multiplier::Rademacher => {
            if u < 0.5 {
                -1.0
            } else {
                1.0
            }
        }
        Multiplier::Mammen => {
            let root = 5.0f64.sqrt();
            if u < (root + 1.0) / (2.0 * root) {
                0.5 * (1.0 - root)
            } else {
                0.5 * (1.0 + root)
            }
        }
    }
}

impl Bootstrap {
    /// The critical value of all parameters' intervals together: the `level` quantile of the largest |t|, and no less
    /// than that of one interval (Student's where clusters are few).
    pub fn critical_value(&self, level: f64) -> f64 {
        let largest = self.largest(&(0..self.parameters.len()).collect::<Vec<_>>());
        let own = self
            .parameters
            .iter()
            .map(|p| p.critical_value(level))
            .fold(0.0, f64::max);
        quantile(largest, level).max(own)
    }

    /// Intervals that hold all parameters at once with probability `level`.
    ///
    /// Source: Chernozhukov, Chetverikov and Kato (2013); Belloni et al. (2018).
    pub fn joint_bands(&self, level: f64) -> Vec<[f64; 2]> {
        let c = self.critical_value(level);
        let band = |p: &Estimate| [p.estimate - c * p.std_error, p.estimate + c * p.std_error];
        self.parameters.iter().map(band).collect()
    }

    /// Two-sided p-values of each hypothesis theta_j = 0 by itself.
    pub fn p_values(&self) -> Vec<f64> {
        (0..self.parameters.len())
            .map(|j| self.exceeding(&[j], self.statistic(j)))
            .collect()
    }

    /// Romano and Wolf's step-down p-values of theta_j = 0: the share of false rejections of any true hypothesis stays
    /// below the level, and less is given away than by Holm where parameters depend on each other.
    ///
    /// Source: Romano and Wolf (2005, 2016).
    pub fn romano_wolf(&self) -> Vec<f64> {
        let q = self.parameters.len();
        let mut order: Vec<usize> = (0..q).collect();
        order.sort_unstable_by(|&a, &b| self.statistic(b).total_cmp(&self.statistic(a)).then(a.cmp(&b)));
        let mut p = vec![f64::NAN; q];
        let mut least: f64 = 0.0;
        for (rank, &j) in order.iter().enumerate() {
            least = least.max(self.exceeding(&order[rank..], self.statistic(j)));
            p[j] = least;
        }
        p
    }

    fn statistic(&self, j: usize) -> f64 {
        (self.parameters[j].estimate / self.parameters[j].std_error).abs()
    }

    /// For each draw the largest |t| among `which`.
    fn largest(&self, which: &[usize]) -> Vec<f64> {
        self.t
            .axis_iter(Axis(0))
            .map(|row| which.iter().map(|&j| row[j].abs()).fold(0.0, f64::max))
            .collect()
    }

    /// `(1 + draws in which the largest |t| among which reaches t) / (1 + draws)`.
    fn exceeding(&self, which: &[usize], t: f64) -> f64 {
        if t.is_nan() {
            return f64::NAN;
        }
        let reached = self.largest(which).iter().filter(|m| **m >= t).count();
        (1 + reached) as f64 / (1 + self.t.nrows()) as f64
    }
}

/// The least value that at least `level` of the draws do not exceed.
fn quantile(mut draws: Vec<f64>, level: f64) -> f64 {
    draws.sort_unstable_by(f64::total_cmp);
    let rank = (level * draws.len() as f64).ceil() as usize;
    draws[rank.clamp(1, draws.len()) - 1]
}

#[cfg(test)]
mod tests {
    use ceteris_stats::{Clusters, holm};

    use super::*;
    use crate::score::Scores;

    fn joint(shifts: &[f64]) -> Joint {
        let n = 400;
        let noise = |i: usize, j: usize| {
            let u = uniform_of(hash(9, &(i as u64).to_le_bytes(), j as u64));
            normal_quantile(u.max(1e-12))
        };
        let scores: Vec<Scores> = shifts
            .iter()
            .enumerate()
            .map(|(j, s)| Scores::mean_of((0..n).map(|i| s + noise(i, j)).collect()))
            .collect();
        Joint::of_scores(&scores, &vec![1.0; n], &Clusters::rows(n)).unwrap()
    }

    #[test]
    fn independent_parameters_need_the_quantile_of_their_maximum() {
        let params = BootstrapParams {
            draws: 20_000,
            ..BootstrapParams::default()
        };
        let c = joint(&[0.0; 5]).bootstrap(&params).critical_value(0.95);
        // |t| of five independent normals: P(max <= c) = .95.
        let exact = normal_quantile(0.5 + 0.5 * 0.95f64.powf(0.2));
        assert!((c - exact).abs() < 0.05, "{c} {exact}");
    }

    #[test]
    fn one_parameter_repeated_costs_nothing_where_holm_pays() {
        let one = joint(&[0.12]);
        let same = one.combine(Array2::ones((4, 1)).view());
        let boot = same.bootstrap(&BootstrapParams::default());
        let alone = boot.p_values();
        let stepped = boot.romano_wolf();
        assert!(stepped.iter().zip(&alone).all(|(s, a)| (s - a).abs() < 1e-12));
        assert!(holm(&alone)[0] > 3.9 * stepped[0]);
    }

    #[test]
    fn step_down_keeps_the_order_and_finds_the_real_effect() {
        for law in [Multiplier::Normal, Multiplier::Rademacher, Multiplier::Mammen] {
            let params = BootstrapParams {
                multiplier: law,
                ..BootstrapParams::default()
            };
            let p = joint(&[0.5, 0.0, 0.0]).bootstrap(&params).romano_wolf();
            assert!(p[0] < 0.01 && p[1] > 0.05 && p[2] > 0.05, "{law:?} {p:?}");
        }
    }

    #[test]
    fn draws_do_not_depend_on_threads() {
        let joint = joint(&[0.1, 0.2]);
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| joint.bootstrap(&BootstrapParams::default()))
        };
        assert_eq!(run(1), run(3));
    }
}
