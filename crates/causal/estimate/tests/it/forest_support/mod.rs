//! Named processes with a known effect: Wager and Athey's, and one with a kink.

use ceteris_effect::forest::Covariates;
use ceteris_estimate::{ForestSample, Sample};
use ceteris_stats::Unit;
use ndarray::Array2;

pub use crate::common::Draws;

/// Data with the truth beside it.
pub struct Sim {
    pub x: Covariates,
    pub arms: Vec<usize>,
    pub y: Vec<f64>,
    pub tau: Vec<f64>,
    pub e: Vec<f64>,
}

/// The rows of a forest's sample, to which tests put one outcome and treatment after another.
#[derive(Clone, Copy)]
pub struct ForestRows<'a> {
    pub x: &'a Covariates,
    pub units: &'a [Unit],
    pub weights: Option<&'a [f64]>,
}

impl<'a> ForestRows<'a> {
    pub fn sample<D>(&self, y: &'a [f64], d: D) -> ForestSample<'a, D> {
        Sample {
            y,
            d,
            z: None,
            x: self.x,
            weight: self.weights,
            unit: self.units,
            cluster: None,
        }
    }
}

fn steep(x: f64) -> f64 {
    1.0 + 1.0 / (1.0 + (-20.0 * (x - 1.0 / 3.0)).exp())
}

/// `kink`: X normal, e = logistic(x1), tau = max(x2, 0), base x3. `aw1`: X uniform, confounding, no effect. `aw2`: no
/// confounding, a steep effect of x1 and x2. `aw3`: both.
pub fn simulate(name: &str, n: usize, p: usize, seed: u64) -> Sim {
    let mut draws = Draws::new(seed);
    let normal = name == "kink";
    let x = Array2::from_shape_fn((n, p), |_| if normal { draws.normal() } else { draws.uniform() });
    let mut sim = Sim {
        x: Covariates::numeric(x.clone()).unwrap(),
        arms: Vec::new(),
        y: Vec::new(),
        tau: Vec::new(),
        e: Vec::new(),
    };
    for row in x.outer_iter() {
        let beta = 20.0 * row[0] * (1.0 - row[0]).powi(3);
        let (e, tau, base) = match name {
            "kink" => (1.0 / (1.0 + (-row[0]).exp()), row[1].max(0.0), row[2]),
            "aw1" => (0.25 * (1.0 + beta), 0.0, 2.0 * row[0] - 1.0),
            "aw2" => (0.5, steep(row[0]) * steep(row[1]), 0.0),
            "aw3" => (
                0.25 * (1.0 + beta),
                steep(row[0]) * steep(row[1]),
                2.0 * row[0] - 1.0,
            ),
            other => panic!("no process {other}"),
        };
        let arm = usize::from(draws.uniform() < e);
        sim.arms.push(arm);
        sim.y.push(base + tau * arm as f64 + draws.normal());
        sim.tau.push(tau);
        sim.e.push(e);
    }
    sim
}
