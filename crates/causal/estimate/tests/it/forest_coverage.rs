//! Intervals of the forest against the truth: seeded, short forms of the table in `benches/forests.md`.

use ceteris_effect::Effect;
use ceteris_effect::forest::Forest;
use ceteris_estimate::dml::PropensitySource;
use ceteris_estimate::evaluate::unit_errors;
use ceteris_estimate::forest::{CentringLearners, ForestParams, TreatmentLearner, causal_forest};
use ceteris_estimate::learner::{BasisParams, Linear, Logistic};
use ceteris_estimate::unwatched;
use ceteris_estimate::{Arms, Treatment};
use ceteris_stats::Unit;
use ceteris_stats::binomial_band;
use rayon::prelude::*;

use crate::forest_support::ForestRows;
use crate::forest_support::simulate;

fn forest(name: &str, n: usize, p: usize, trees: usize, seed: u64) -> Forest {
    let sim = simulate(name, n, p, seed);
    let logit = Logistic::logit_l2(BasisParams::spline(4), 1.0);
    let (treatment, m) = (
        Treatment::Arms(Arms {
            of_row: &sim.arms,
            count: 2,
        }),
        TreatmentLearner::Arms(PropensitySource::Learned(&logit)),
    );
    let rows = ForestRows {
        x: &sim.x,
        units: &Unit::one_per_row(n),
        weights: None,
    };
    let params = ForestParams {
        trees,
        seed,
        ..ForestParams::default()
    };
    let ridge = Linear::ridge_gcv(BasisParams::spline(4));
    let fit = causal_forest(
        &params.check().unwrap(),
        &rows.sample(&sim.y, treatment),
        CentringLearners { l: &ridge, m },
        5,
        &unwatched,
    );
    fit.unwrap().grown.forest
}

/// Estimates at one point from independent samples: points about which the effect is flat, for the interval holds no
/// smoothing bias.
fn at_one_point(name: &str, x: &[f64], draws: u64) -> Vec<Effect> {
    (0..draws)
        .into_par_iter()
        .map(|seed| {
            let forest = forest(name, 600, x.len(), 100, 1000 + seed);
            let mut out = [forest.unknown()];
            forest.predict(x, &mut forest.scratch(), &mut out).unwrap();
            out[0]
        })
        .collect()
}

#[test]
fn a_points_interval_covers_in_independent_samples() {
    let draws = 60;
    for (name, x, truth) in [
        ("aw1", [0.25, 0.5, 0.5, 0.5], 0.0),
        ("kink", [0.0, -1.0, 0.0, 0.0], 0.0),
    ] {
        let effects = at_one_point(name, &x, draws);
        let held = effects
            .iter()
            .filter(|e| e.ci(0.95)[0] <= truth && truth <= e.ci(0.95)[1])
            .count();
        // Coverage of 0.90 at the least, as far as sixty draws can tell; more than 0.95 is no fault of honesty.
        let band = binomial_band(draws, 0.90, 0.99);
        assert!(
            held as f64 / draws as f64 >= band[0],
            "{name} {x:?}: {held} of {draws} held the truth"
        );
        let ratio = effects
            .iter()
            .map(|e| ((e.tau - truth) / e.std_error).powi(2))
            .sum::<f64>()
            / draws as f64;
        assert!(
            (0.2..1.6).contains(&ratio),
            "{name} {x:?}: mean(err^2/variance) {ratio}"
        );
    }
}

#[test]
fn fresh_rows_are_covered_on_average() {
    for (name, coverage_min, rmse_max) in [("kink", 0.9, 0.26), ("aw1", 0.9, 0.2)] {
        let errors: Vec<_> = (0..3u64)
            .into_par_iter()
            .map(|seed| {
                let forest = forest(name, 2000, 10, 200, 50 + seed);
                let fresh = simulate(name, 1000, 10, 90 + seed);
                unit_errors(&forest.predict_all(&fresh.x).unwrap(), &fresh.tau, 0.95).unwrap()
            })
            .collect();
        let coverage = errors.iter().map(|e| e.coverage).sum::<f64>() / 3.0;
        let rmse = errors.iter().map(|e| e.rmse).sum::<f64>() / 3.0;
        assert!(
            coverage >= coverage_min && rmse <= rmse_max,
            "{name}: {coverage} {rmse}"
        );
    }
}
