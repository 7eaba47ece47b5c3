//! The forest engine: known answers, kinds of treatment, clusters, weights, missing values, refusals.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use ceteris_effect::Column;
use ceteris_effect::Effect;
use ceteris_effect::forest::{Covariates, Forest, ForestError};
use ceteris_estimate::dml::PropensitySource;
use ceteris_estimate::forest::{
    CentringLearners, ForestParams, TreatmentLearner, ValidForestParams, causal_forest, grow,
};
use ceteris_estimate::learner::{BasisParams, Linear, Logistic};
use ceteris_estimate::{Arms, Treatment};
use ceteris_estimate::{Progress, unwatched};
use ceteris_stats::Unit;
use ndarray::{Array2, ArrayView1, Axis};

use crate::forest_support::ForestRows;
use crate::forest_support::{Draws, simulate};

fn params(trees: usize) -> ValidForestParams {
    ForestParams {
        trees,
        seed: 7,
        ..ForestParams::default()
    }
    .check()
    .unwrap()
}

fn ask(forest: &Forest, x: &[f64]) -> Vec<Effect> {
    let mut out = vec![forest.unknown(); forest.outputs()];
    forest.predict(x, &mut forest.scratch(), &mut out).unwrap();
    out
}

fn column(v: &[f64]) -> Array2<f64> {
    ArrayView1::from(v).insert_axis(Axis(1)).to_owned()
}

fn alone(n: usize) -> Vec<Unit> {
    Unit::one_per_row(n)
}

fn mean(v: impl Iterator<Item = f64>) -> f64 {
    let all: Vec<f64> = v.collect();
    all.iter().sum::<f64>() / all.len() as f64
}

#[test]
fn without_anything_to_split_on_the_error_is_that_of_the_slope() {
    let n = 1000;
    let mut draws = Draws::new(3);
    let d: Vec<f64> = (0..n).map(|i| (i % 2) as f64 - 0.5).collect();
    let y: Vec<f64> = d.iter().map(|d| 2.0 * d + draws.normal()).collect();
    let x = Covariates::numeric(Array2::ones((n, 1))).unwrap();
    let rows = ForestRows {
        x: &x,
        units: &alone(n),
        weights: None,
    };
    let grown = grow(&params(4000), &rows.sample(&y, column(&d).view()), &unwatched).unwrap();
    let one = ask(&grown.forest, &[1.0])[0];
    // The ordinary slope and its heteroscedasticity-robust error.
    let y_bar = y.iter().sum::<f64>() / n as f64;
    let slope = d.iter().zip(&y).map(|(d, y)| d * y).sum::<f64>() / (0.25 * n as f64);
    let meat: f64 = d
        .iter()
        .zip(&y)
        .map(|(d, y)| (d * (y - y_bar - slope * d)).powi(2))
        .sum();
    let error = meat.sqrt() / (0.25 * n as f64);
    assert!(
        (one.tau - slope).abs() < 0.3 * error,
        "{} {slope} {error}",
        one.tau
    );
    // Half the variance of 2 000 bags is known to 3 %.
    assert!(
        (one.std_error / error - 1.0).abs() < 0.12,
        "{} {error}",
        one.std_error
    );
}

#[test]
fn a_forest_of_means_finds_a_step() {
    let n = 1000;
    let mut draws = Draws::new(4);
    let x = Array2::from_shape_fn((n, 3), |_| draws.uniform());
    let y: Vec<f64> = (0..n)
        .map(|i| f64::from(u8::from(x[[i, 1]] > 0.5)) + 0.1 * draws.normal())
        .collect();
    let x = Covariates::numeric(x).unwrap();
    let rows = ForestRows {
        x: &x,
        units: &alone(n),
        weights: None,
    };
    let grown = grow(
        &params(200),
        &rows.sample(&y, Array2::zeros((n, 0)).view()),
        &unwatched,
    )
    .unwrap();
    assert_eq!((grown.forest.treatments(), grown.forest.outputs()), (0, 1));
    assert!(ask(&grown.forest, &[0.5, 0.2, 0.5])[0].tau.abs() < 0.05);
    assert!((ask(&grown.forest, &[0.5, 0.8, 0.5])[0].tau - 1.0).abs() < 0.05);
}

#[test]
fn several_arms_have_effects_of_their_own() {
    let n = 3000;
    let mut draws = Draws::new(5);
    let x = Array2::from_shape_fn((n, 4), |_| draws.uniform());
    let arms: Vec<usize> = (0..n).map(|_| (3.0 * draws.uniform()) as usize).collect();
    let tau = |row: usize, arm: usize| match arm {
        1 if x[[row, 0]] > 0.5 => 2.0,
        2 if x[[row, 1]] > 0.5 => -1.0,
        _ => 0.0,
    };
    let y: Vec<f64> = (0..n)
        .map(|i| x[[i, 2]] + tau(i, arms[i]) + 0.3 * draws.normal())
        .collect();
    let known = Array2::from_elem((n, 3), 1.0 / 3.0);
    let table = Covariates::numeric(x.clone()).unwrap();
    let rows = ForestRows {
        x: &table,
        units: &alone(n),
        weights: None,
    };
    let (treatment, m) = (
        Treatment::Arms(Arms {
            of_row: &arms,
            count: 3,
        }),
        TreatmentLearner::Arms(PropensitySource::Known(&known)),
    );
    let ols = Linear::ols(BasisParams::LINEAR);
    let fit = causal_forest(
        &params(200),
        &rows.sample(&y, treatment),
        CentringLearners { l: &ols, m },
        4,
        &unwatched,
    )
    .unwrap();
    for (at, truth) in [
        ([0.8, 0.2, 0.5, 0.5], [2.0, 0.0]),
        ([0.2, 0.8, 0.5, 0.5], [0.0, -1.0]),
    ] {
        let found = ask(&fit.grown.forest, &at);
        for (f, t) in found.iter().zip(truth) {
            assert!(
                (f.tau - t).abs() < 0.25 && f.std_error > 0.0 && f.std_error < 0.3,
                "{found:?}"
            );
        }
    }
}

#[test]
fn two_arms_by_either_engine_agree_where_nothing_splits() {
    // The engine for several arms, given one arm and an independent second, solves the same equations.
    let n = 800;
    let mut draws = Draws::new(6);
    let d = Array2::from_shape_fn((n, 2), |_| draws.normal());
    let y: Vec<f64> = (0..n)
        .map(|i| 1.5 * d[[i, 0]] - 0.5 * d[[i, 1]] + 0.1 * draws.normal())
        .collect();
    let x = Covariates::numeric(Array2::ones((n, 1))).unwrap();
    let rows = ForestRows {
        x: &x,
        units: &alone(n),
        weights: None,
    };
    let two = grow(&params(400), &rows.sample(&y, d.view()), &unwatched).unwrap();
    let found = ask(&two.forest, &[1.0]);
    assert!((found[0].tau - 1.5).abs() < 0.02 && (found[1].tau + 0.5).abs() < 0.02);
    // Noise of 0.1 over 800 rows of unit variance: an error of 0.0035.
    assert!(
        found.iter().all(|f| (f.std_error / 0.0035 - 1.0).abs() < 0.25),
        "{found:?}"
    );
}

#[test]
fn a_dose_has_its_slope() {
    let n = 2000;
    let mut draws = Draws::new(8);
    let x = Array2::from_shape_fn((n, 3), |_| draws.normal());
    let d: Vec<f64> = (0..n).map(|i| x[[i, 0]] + draws.normal()).collect();
    let y: Vec<f64> = (0..n)
        .map(|i| if x[[i, 1]] > 0.0 { 2.0 * d[i] } else { 0.0 } + x[[i, 0]] + 0.3 * draws.normal())
        .collect();
    let table = Covariates::numeric(x).unwrap();
    let rows = ForestRows {
        x: &table,
        units: &alone(n),
        weights: None,
    };
    let ols = Linear::ols(BasisParams::LINEAR);
    let (treatment, m) = (Treatment::Dose(&d), TreatmentLearner::Dose(&ols));
    let fit = causal_forest(
        &params(200),
        &rows.sample(&y, treatment),
        CentringLearners { l: &ols, m },
        5,
        &unwatched,
    )
    .unwrap();
    assert!((ask(&fit.grown.forest, &[0.0, 1.0, 0.0])[0].tau - 2.0).abs() < 0.3);
    assert!(ask(&fit.grown.forest, &[0.0, -1.0, 0.0])[0].tau.abs() < 0.3);
}

#[test]
fn what_is_missing_can_tell_and_is_learned_from() {
    let n = 2000;
    let mut draws = Draws::new(9);
    let mut x = Array2::from_shape_fn((n, 3), |_| draws.uniform());
    let arms: Vec<usize> = (0..n).map(|_| usize::from(draws.uniform() < 0.5)).collect();
    let y: Vec<f64> = (0..n)
        .map(|i| {
            let hidden = draws.uniform() < 0.3;
            if hidden {
                x[[i, 0]] = f64::NAN;
            }
            // Missing rows respond as those of high x1 do.
            let tau = if hidden || x[[i, 0]] > 0.6 { 2.0 } else { 0.0 };
            tau * arms[i] as f64 + 0.3 * draws.normal()
        })
        .collect();
    let table = Covariates::numeric(x).unwrap();
    let rows = ForestRows {
        x: &table,
        units: &alone(n),
        weights: None,
    };
    let logit = Logistic::logit_l2(BasisParams::LINEAR, 1.0);
    let (treatment, m) = (
        Treatment::Arms(Arms {
            of_row: &arms,
            count: 2,
        }),
        TreatmentLearner::Arms(PropensitySource::Learned(&logit)),
    );
    let ols = Linear::ols(BasisParams::LINEAR);
    let fit = causal_forest(
        &params(200),
        &rows.sample(&y, treatment),
        CentringLearners { l: &ols, m },
        5,
        &unwatched,
    )
    .unwrap();
    let tau = |x1: f64| ask(&fit.grown.forest, &[x1, 0.5, 0.5])[0].tau;
    assert!((tau(f64::NAN) - 2.0).abs() < 0.2, "{}", tau(f64::NAN));
    assert!(
        (tau(0.9) - 2.0).abs() < 0.2 && tau(0.2).abs() < 0.2,
        "{} {}",
        tau(0.9),
        tau(0.2)
    );
}

#[test]
fn a_categorys_levels_can_differ_and_an_unknown_one_is_missing() {
    let n = 1500;
    let mut draws = Draws::new(10);
    let levels = vec!["a".to_string(), "b".into(), "c".into()];
    let x = Array2::from_shape_fn((n, 1), |_| (3.0 * draws.uniform()).floor());
    let d: Vec<f64> = (0..n)
        .map(|_| if draws.uniform() < 0.5 { -0.5 } else { 0.5 })
        .collect();
    let y: Vec<f64> = (0..n)
        .map(|i| if x[[i, 0]] == 1.0 { d[i] } else { 0.0 } + 0.1 * draws.normal())
        .collect();
    let table = Covariates::new(x, vec![Column::categorical("k", levels)]).unwrap();
    let rows = ForestRows {
        x: &table,
        units: &alone(n),
        weights: None,
    };
    let forest = grow(&params(100), &rows.sample(&y, column(&d).view()), &unwatched)
        .unwrap()
        .forest;
    for (level, truth) in [(0.0, 0.0), (1.0, 1.0), (2.0, 0.0)] {
        assert!((ask(&forest, &[level])[0].tau - truth).abs() < 0.05);
    }
    assert!(ask(&forest, &[f64::NAN])[0].tau.is_finite());
    assert!(forest.in_support(&[2.0]) && !forest.in_support(&[f64::NAN]) && !forest.in_support(&[3.0]));
}

#[test]
fn units_are_drawn_whole_and_their_shocks_widen_the_error() {
    let (units, each) = (150, 8);
    let mut draws = Draws::new(11);
    let n = units * each;
    let unit: Vec<Unit> = (0..n).map(|i| Unit::from((i / each) as u64)).collect();
    let d: Vec<f64> = (0..n)
        .map(|i| if (i / each) % 2 == 0 { -0.5 } else { 0.5 })
        .collect();
    let shock: Vec<f64> = (0..units).map(|_| draws.normal()).collect();
    let y: Vec<f64> = (0..n)
        .map(|i| d[i] + shock[i / each] + 0.1 * draws.normal())
        .collect();
    let x = Covariates::numeric(Array2::from_shape_fn((n, 1), |(i, _)| (i / each) as f64)).unwrap();
    let fit = |units: &[Unit]| {
        let rows = ForestRows {
            x: &x,
            units,
            weights: None,
        };
        let coarse = ForestParams {
            trees: 1000,
            min_node: 100,
            ..ForestParams::default()
        };
        grow(
            &coarse.check().unwrap(),
            &rows.sample(&y, column(&d).view()),
            &unwatched,
        )
        .unwrap()
    };
    let (whole, split) = (fit(&unit), fit(&alone(n)));
    let error = |f: &Forest| ask(f, &[75.0])[0].std_error;
    // By unit 2/sqrt(150) = 0.163; pretending rows are units, 2/sqrt(1200) = 0.058.
    let (by_unit, by_row) = (error(&whole.forest), error(&split.forest));
    assert!(
        by_unit > 0.13 && by_unit < 0.21 && by_row < 0.1,
        "{by_unit} {by_row}"
    );
    // Out of bag a unit's own rows are never heard: rows of one unit have one estimate.
    let out = whole.out_of_bag(&x).unwrap();
    assert!(out.chunks(each).all(|c| c.iter().all(|e| *e == c[0])));
}

#[test]
fn out_of_bag_estimates_do_not_know_their_own_outcome() {
    let sim = simulate("aw1", 600, 3, 12);
    let rows = ForestRows {
        x: &sim.x,
        units: &alone(600),
        weights: None,
    };
    let none = Array2::zeros((600, 0));
    let of = |y: &[f64]| {
        let grown = grow(&params(100), &rows.sample(y, none.view()), &unwatched).unwrap();
        (
            grown.out_of_bag(&sim.x).unwrap(),
            grown.forest.predict_all(&sim.x).unwrap(),
        )
    };
    let mut moved = sim.y.clone();
    moved[17] += 1000.0;
    let ((before, _), (after, within)) = (of(&sim.y), of(&moved));
    assert_eq!(before[17], after[17]);
    assert!(within[17].tau > 5.0);
}

#[test]
fn interrupting_stops_and_progress_counts_to_the_end() {
    let sim = simulate("kink", 400, 3, 13);
    let rows = ForestRows {
        x: &sim.x,
        units: &alone(400),
        weights: None,
    };
    let half = Array2::from_elem((400, 2), 0.5);
    let (treatment, m) = (
        Treatment::Arms(Arms {
            of_row: &sim.arms,
            count: 2,
        }),
        TreatmentLearner::Arms(PropensitySource::Known(&half)),
    );
    let ols = Linear::ols(BasisParams::LINEAR);
    let steps = AtomicUsize::new(0);
    let count = |p: Progress| {
        steps.fetch_max(p.done, Ordering::Relaxed);
        assert_eq!(p.total, 5 + 50);
        ControlFlow::Continue(())
    };
    causal_forest(
        &params(100),
        &rows.sample(&sim.y, treatment),
        CentringLearners { l: &ols, m },
        5,
        &count,
    )
    .unwrap();
    assert_eq!(steps.into_inner(), 55);
    let stop = |p: Progress| {
        if p.done >= 7 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let stopped = causal_forest(
        &params(100),
        &rows.sample(&sim.y, treatment),
        CentringLearners { l: &ols, m },
        5,
        &stop,
    );
    assert!(stopped.unwrap_err().is_interrupted());
}

#[test]
fn bad_input_is_named() {
    let x = Covariates::numeric(Array2::zeros((40, 1))).unwrap();
    let units = alone(40);
    let rows = ForestRows {
        x: &x,
        units: &units,
        weights: None,
    };
    let d = column(&[0.5; 40]);
    let of = |rows: &ForestRows<'_>, y: &[f64]| {
        grow(&params(4), &rows.sample(y, d.view()), &unwatched)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        of(&rows, &[0.0; 39]),
        "outcome has 39 rows where the table has 40"
    );
    let mut y = [0.0; 40];
    y[3] = f64::NAN;
    assert_eq!(of(&rows, &y), "outcome, row 3: the value cannot be used");
    let one = vec![Unit::from(1); 40];
    let message = of(&ForestRows { units: &one, ..rows }, &[0.0; 40]);
    assert!(
        message.starts_with("1 units of positive weight are too few"),
        "{message}"
    );
    let negative = [-1.0; 40];
    let message = of(
        &ForestRows {
            weights: Some(&negative),
            ..rows
        },
        &[0.0; 40],
    );
    assert_eq!(message, "weights, row 0: the value cannot be used");
    for (bad, name) in [
        (
            ForestParams {
                trees: 5,
                ..ForestParams::default()
            },
            "trees",
        ),
        (
            ForestParams {
                bag: 1,
                ..ForestParams::default()
            },
            "bag",
        ),
        (
            ForestParams {
                sample_fraction: 0.6,
                ..ForestParams::default()
            },
            "sample_fraction",
        ),
        (
            ForestParams {
                honesty_fraction: 1.0,
                ..ForestParams::default()
            },
            "honesty_fraction",
        ),
        (
            ForestParams {
                alpha: 0.3,
                ..ForestParams::default()
            },
            "alpha",
        ),
    ] {
        assert!(bad.check().unwrap_err().to_string().starts_with(name));
    }
    let arms = vec![0; 40];
    let half = Array2::from_elem((40, 2), 0.5);
    let (treatment, m) = (
        Treatment::Arms(Arms {
            of_row: &arms,
            count: 2,
        }),
        TreatmentLearner::Arms(PropensitySource::Known(&half)),
    );
    let ols = Linear::ols(BasisParams::LINEAR);
    let thin = causal_forest(
        &params(4),
        &rows.sample(&[0.0; 40], treatment),
        CentringLearners { l: &ols, m },
        2,
        &unwatched,
    )
    .unwrap_err();
    assert_eq!(
        thin.to_string(),
        "arm 1 has 0 rows of positive weight; at least 2 are needed"
    );
}

#[test]
fn a_question_of_the_wrong_width_is_refused() {
    let sim = simulate("kink", 200, 3, 14);
    let rows = ForestRows {
        x: &sim.x,
        units: &alone(200),
        weights: None,
    };
    let d: Vec<f64> = sim.arms.iter().map(|a| *a as f64 - 0.5).collect();
    let forest = grow(&params(4), &rows.sample(&sim.y, column(&d).view()), &unwatched)
        .unwrap()
        .forest;
    let mut out = [forest.unknown()];
    let wrong = forest.predict(&[0.0; 2], &mut forest.scratch(), &mut out);
    assert_eq!(
        wrong.unwrap_err(),
        ForestError::Columns {
            found: 2,
            expected: 3
        }
    );
    assert!(forest.predict(&[0.0; 3], &mut forest.scratch(), &mut []).is_err());
    assert!(mean(forest.predict_all(&sim.x).unwrap().iter().map(|e| e.std_error)) > 0.0);
}
