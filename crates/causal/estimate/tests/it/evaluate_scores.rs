//! RATE, calibration and policy value against known answers and against repeated samples.

use ceteris_estimate::evaluate::{RateWeight, calibration, policy_value, rate};
use ceteris_stats::Unit;
use ceteris_stats::{Clusters, normal_quantile};
use ndarray::Array2;

use crate::forest_support::Draws;

/// Scores with mean `tau = x` uniform on [0, 1] and noise of standard deviation one.
fn sample(n: usize, seed: u64) -> (Vec<f64>, Vec<f64>) {
    let mut draws = Draws::new(seed);
    let tau: Vec<f64> = (0..n).map(|_| draws.uniform()).collect();
    let gamma = tau.iter().map(|t| t + draws.normal()).collect();
    (gamma, tau)
}

#[test]
fn areas_and_their_errors_are_those_of_repeated_samples() {
    let (n, draws) = (1000, 60);
    let weights = vec![1.0; n];
    // tau uniform: above share u lies mean 1 − u/2, less 1/2. AUTOC = 1/4, Qini = 1/4 − 1/6.
    for (weight, truth) in [(RateWeight::Autoc, 0.25), (RateWeight::Qini, 1.0 / 12.0)] {
        let found: Vec<_> = (0..draws)
            .map(|seed| {
                let (gamma, tau) = sample(n, 100 + seed);
                rate(&gamma, &tau, &weights, &Unit::one_per_row(n), weight, 100, seed).unwrap()
            })
            .collect();
        let size = draws as f64;
        let mean = found.iter().map(|r| r.estimate).sum::<f64>() / size;
        let spread = (found.iter().map(|r| (r.estimate - mean).powi(2)).sum::<f64>() / (size - 1.0)).sqrt();
        let error = found.iter().map(|r| r.std_error).sum::<f64>() / size;
        assert!(
            (mean - truth).abs() < normal_quantile(0.999) * spread / size.sqrt(),
            "{weight:?}: {mean}"
        );
        // The spread of 60 draws is known to 9 %.
        assert!(
            (error / spread - 1.0).abs() < 0.3,
            "{weight:?}: error {error}, spread {spread}"
        );
    }
}

#[test]
fn repeated_rows_of_a_unit_are_no_news() {
    let (gamma, tau) = sample(300, 9);
    let units = Unit::one_per_row(300);
    let twice = |v: &[f64]| [v, v].concat();
    let once = rate(&gamma, &tau, &[1.0; 300], &units, RateWeight::Qini, 100, 1).unwrap();
    let doubled = [&units[..], &units[..]].concat();
    let both = rate(
        &twice(&gamma),
        &twice(&tau),
        &[1.0; 600],
        &doubled,
        RateWeight::Qini,
        100,
        1,
    )
    .unwrap();
    // Half a step of the curve apart, at most.
    assert!((once.estimate - both.estimate).abs() < 0.01);
    assert!(
        (once.std_error / both.std_error - 1.0).abs() < 0.05,
        "{once:?} {both:?}"
    );
    let reordered: Vec<usize> = (0..300).map(|i| (i * 7) % 300).collect();
    let pick = |v: &[f64]| reordered.iter().map(|&i| v[i]).collect::<Vec<f64>>();
    let moved: Vec<Unit> = reordered.iter().map(|&i| units[i]).collect();
    let there = rate(
        &pick(&gamma),
        &pick(&tau),
        &[1.0; 300],
        &moved,
        RateWeight::Qini,
        100,
        1,
    )
    .unwrap();
    assert!(
        (once.estimate - there.estimate).abs() < 1e-12 && (once.std_error - there.std_error).abs() < 1e-12
    );
}

#[test]
fn calibration_tells_right_from_overdone_and_from_noise() {
    let (gamma, tau) = sample(4000, 10);
    let rows = Clusters::rows(4000);
    let of = |effect: &[f64]| {
        calibration(&gamma, effect, &[1.0; 4000], &rows)
            .unwrap()
            .differential
            .unwrap()
    };
    let right = of(&tau);
    assert!(
        (right.estimate - 1.0).abs() < 3.0 * right.std_error && right.p_value < 1e-6,
        "{right:?}"
    );
    let overdone: Vec<f64> = tau.iter().map(|t| 4.0 * t - 1.5).collect();
    let found = of(&overdone);
    assert!((found.estimate - 0.25).abs() < 3.0 * found.std_error, "{found:?}");
    let mut draws = Draws::new(11);
    let noise: Vec<f64> = (0..4000).map(|_| draws.uniform()).collect();
    let none = of(&noise);
    assert!(none.estimate.abs() < 3.0 * none.std_error, "{none:?}");
}

#[test]
fn a_rules_value_is_that_of_its_choices() {
    let n = 2000;
    let mut draws = Draws::new(12);
    let tau: Vec<f64> = (0..n).map(|_| 2.0 * draws.uniform() - 1.0).collect();
    let potential = Array2::from_shape_fn((n, 2), |(i, a)| a as f64 * tau[i] + 0.1 * draws.normal());
    let rows = Clusters::rows(n);
    let value = |rule: &dyn Fn(f64) -> bool| {
        let choice: Vec<usize> = tau.iter().map(|t| usize::from(rule(*t))).collect();
        policy_value(potential.view(), &choice, Some(0), &vec![1.0; n], &rows).unwrap()
    };
    let best = value(&|t| t > 0.0);
    // E[max(tau, 0)] = 1/4 for tau uniform on [-1, 1].
    assert!((best.estimate - 0.25).abs() < 3.0 * best.std_error, "{best:?}");
    assert_eq!(value(&|_| false).estimate, 0.0);
    assert!(policy_value(potential.view(), &vec![2; n], None, &vec![1.0; n], &rows).is_err());
}
