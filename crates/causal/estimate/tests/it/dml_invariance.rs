//! What must not change an estimate, and what must change it in a known way.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use ceteris_effect::Column;
use ceteris_estimate::dml::{
    ArmLearners, DmlError, DmlParams, FittedMultiArm, FoldPlan, PartiallyLinearLearners, PropensitySource,
    ValidDmlParams, multi_arm, partially_linear,
};
use ceteris_estimate::effect::{fit_basis, project};
use ceteris_estimate::learner::{BasisParams, Design, LearnerFlag, Linear, Logistic};
use ceteris_estimate::{ArgumentError, CrossFitError};
use ceteris_estimate::{Progress, unwatched};
use ceteris_stats::Unit;
use ndarray::{Array2, Axis};
use proptest::prelude::*;

use crate::common::Draws;
use crate::common::Rows;

struct Sample {
    x: Design,
    units: Vec<Unit>,
    arms: Vec<usize>,
    y: Array2<f64>,
    w: Vec<f64>,
}

fn sample(n: usize, seed: u64) -> Sample {
    let mut r = Draws::new(seed);
    let x0: Vec<f64> = (0..n).map(|_| r.normal()).collect();
    let k: Vec<f64> = (0..n).map(|_| (r.uniform() * 3.0).floor()).collect();
    let arms: Vec<usize> = x0
        .iter()
        .map(|x| (r.uniform() * 2.0 + 0.3 * x.tanh() + 0.4).clamp(0.0, 2.0) as usize)
        .collect();
    let y = Array2::from_shape_fn((n, 2), |(i, j)| {
        x0[i] * x0[i] + arms[i] as f64 * (1.0 + j as f64) + k[i] + r.normal()
    });
    let units = (0..n as u64).map(|i| Unit::from(i / 2)).collect();
    let w = (0..n).map(|_| 0.5 + r.uniform()).collect();
    let levels = ["a", "b", "c"].map(String::from).to_vec();
    let x = Design::from_columns(vec![
        (Column::numeric("x"), x0),
        (Column::categorical("k", levels), k),
    ])
    .unwrap();
    Sample { x, units, arms, y, w }
}

fn params() -> ValidDmlParams {
    DmlParams {
        folds: FoldPlan::ByUnit { k: 3 },
        seed: 11,
        repeats: 2,
        ..DmlParams::default()
    }
    .check()
    .unwrap()
}

const G: Linear = Linear::ridge_gcv(BasisParams::spline(5).with_interactions());
const M: Logistic = Logistic::logit_l2(BasisParams::spline(4), 1.0);

fn fit(s: &Sample, y: &Array2<f64>, w: &[f64]) -> FittedMultiArm {
    let rows = Rows {
        x: &s.x,
        units: &s.units,
        weights: Some(w),
    };
    multi_arm(
        &params(),
        &rows.of_arms(y, &s.arms, 3),
        ArmLearners {
            g: &G,
            m: PropensitySource::Learned(&M),
        },
        &unwatched,
    )
    .unwrap()
}

fn bits(f: &FittedMultiArm) -> Vec<u64> {
    f.repeats
        .iter()
        .flat_map(|r| r.potential.iter().flat_map(|p| p.iter().map(|v| v.to_bits())))
        .collect()
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-8 * (1.0 + b.abs()), "{a} is not {b}");
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    let s = sample(600, 1);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| bits(&fit(&s, &s.y, &s.w)))
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(4));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn shifting_scaling_and_reweighting(shift in -50.0..50.0f64, scale in 0.1..20.0f64, seed in 0u64..1000) {
        let s = sample(400, seed);
        let base = fit(&s, &s.y, &s.w);
        let moved = fit(&s, &s.y.mapv(|v| shift + scale * v), &s.w);
        let heavier = fit(&s, &s.y, &s.w.iter().map(|w| w * scale).collect::<Vec<_>>());
        for (outcome, arm) in [(0, 1), (1, 2)] {
            let b = base.ate(outcome, arm, 0).unwrap();
            let m = moved.ate(outcome, arm, 0).unwrap();
            let h = heavier.ate(outcome, arm, 0).unwrap();
            close(m.estimate, scale * b.estimate);
            close(m.std_error, scale * b.std_error);
            close(h.estimate, b.estimate);
            close(h.std_error, b.std_error);
        }
    }

    #[test]
    fn permuting_rows_with_their_units(seed in 0u64..1000) {
        let s = sample(400, seed);
        let mut order: Vec<usize> = (0..400).collect();
        let mut r = Draws::new(seed);
        (1..400).rev().for_each(|i| order.swap(i, (r.uniform() * (i + 1) as f64) as usize));
        let p = Sample {
            x: s.x.select(&order),
            units: order.iter().map(|&i| s.units[i]).collect(),
            arms: order.iter().map(|&i| s.arms[i]).collect(),
            y: s.y.select(Axis(0), &order),
            w: order.iter().map(|&i| s.w[i]).collect(),
        };
        let (a, b) = (fit(&s, &s.y, &s.w), fit(&p, &p.y, &p.w));
        close(b.ate(1, 2, 1).unwrap().estimate, a.ate(1, 2, 1).unwrap().estimate);
        close(b.ate(1, 2, 1).unwrap().std_error, a.ate(1, 2, 1).unwrap().std_error);
        let effect = |s: &Sample, f: &FittedMultiArm| {
            let basis = fit_basis(&s.x, &["x", "k"], &f.weights).unwrap();
            let gamma = Array2::from_shape_vec((400, 1), f.gamma(0, 2, 0)).unwrap();
            project(&basis, &s.x, gamma.view(), &f.weights, &f.clusters).unwrap().one(0)
        };
        let (e, f) = (effect(&s, &a), effect(&p, &b));
        e.beta.iter().zip(&f.beta).for_each(|(x, y)| close(*x, *y));
        e.cov.iter().zip(&f.cov).for_each(|(x, y)| close(*x, *y));
    }
}

#[test]
fn integer_weights_are_repeated_rows_of_a_unit() {
    let s = sample(300, 5);
    let twice: Vec<usize> = (0..300).flat_map(|i| std::iter::repeat_n(i, 1 + i % 2)).collect();
    let r = Sample {
        x: s.x.select(&twice),
        units: twice.iter().map(|&i| s.units[i]).collect(),
        arms: twice.iter().map(|&i| s.arms[i]).collect(),
        y: s.y.select(Axis(0), &twice),
        w: vec![1.0; twice.len()],
    };
    // Ridge penalties count rows, so the comparison is of least squares and maximum likelihood.
    let fit = |s: &Sample, w: &[f64]| {
        let rows = Rows {
            x: &s.x,
            units: &s.units,
            weights: Some(w),
        };
        let g = Linear::ols(BasisParams::polynomial(2));
        let m = Logistic::logit(BasisParams::polynomial(2));
        multi_arm(
            &params(),
            &rows.of_arms(&s.y, &s.arms, 3),
            ArmLearners {
                g: &g,
                m: PropensitySource::Learned(&m),
            },
            &unwatched,
        )
        .unwrap()
    };
    let weights: Vec<f64> = (0..300).map(|i| (1 + i % 2) as f64).collect();
    let (a, b) = (
        fit(&s, &weights).ate(0, 1, 0).unwrap(),
        fit(&r, &r.w).ate(0, 1, 0).unwrap(),
    );
    close(a.estimate, b.estimate);
    close(a.std_error, b.std_error);
}

#[test]
fn partially_linear_scales_with_its_variables() {
    let s = sample(400, 6);
    let d: Vec<f64> = s.arms.iter().map(|a| *a as f64).collect();
    let rows = Rows {
        x: &s.x,
        units: &s.units,
        weights: None,
    };
    let run = |a: f64, b: f64| {
        let y: Vec<f64> = s.y.column(0).iter().map(|y| 3.0 + a * y).collect();
        let d: Vec<f64> = d.iter().map(|d| b * d - 1.0).collect();
        partially_linear(
            &params(),
            &rows.sample(&y, &d),
            PartiallyLinearLearners { l: &G, m: &G },
            &unwatched,
        )
        .unwrap()
        .estimate
    };
    let (base, scaled) = (run(1.0, 1.0), run(10.0, 4.0));
    close(scaled.estimate, 2.5 * base.estimate);
    close(scaled.std_error, 2.5 * base.std_error);
}

#[test]
fn progress_is_told_and_a_break_stops_the_fit() {
    let s = sample(300, 7);
    let rows = Rows {
        x: &s.x,
        units: &s.units,
        weights: None,
    };
    let last = AtomicUsize::new(0);
    let count = |p: Progress| {
        last.fetch_max(p.done, Ordering::Relaxed);
        // Two repeats of three folds, each with three arms and the propensities.
        assert_eq!(p.total, 24);
        ControlFlow::Continue(())
    };
    multi_arm(
        &params(),
        &rows.of_arms(&s.y, &s.arms, 3),
        ArmLearners {
            g: &G,
            m: PropensitySource::Learned(&M),
        },
        &count,
    )
    .unwrap();
    assert_eq!(last.load(Ordering::Relaxed), 24);
    let stop = |p: Progress| {
        if p.done >= 5 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let stopped = multi_arm(
        &params(),
        &rows.of_arms(&s.y, &s.arms, 3),
        ArmLearners {
            g: &G,
            m: PropensitySource::Learned(&M),
        },
        &stop,
    );
    assert!(stopped.err().unwrap().is_interrupted());
}

#[test]
fn bad_input_is_named() {
    let s = sample(60, 8);
    let rows = Rows {
        x: &s.x,
        units: &s.units,
        weights: None,
    };
    let run = |arms: &[usize], y: &Array2<f64>, m: PropensitySource<'_>| {
        multi_arm(
            &params(),
            &rows.of_arms(y, arms, 3),
            ArmLearners { g: &G, m },
            &unwatched,
        )
        .err()
        .unwrap()
    };
    let learned = PropensitySource::Learned(&M);
    let mut y = s.y.clone();
    y[[7, 1]] = f64::NAN;
    assert_eq!(
        run(&s.arms, &y, learned),
        DmlError::Argument(ArgumentError::Value {
            what: "outcomes",
            row: 7
        })
    );
    let mut arms = s.arms.clone();
    arms[3] = 9;
    assert_eq!(
        run(&arms, &s.y, learned),
        DmlError::Argument(ArgumentError::UnknownArm {
            row: 3,
            arm: 9,
            n_arms: 3
        })
    );
    let none: Vec<usize> = s.arms.iter().map(|a| (*a).min(1)).collect();
    assert!(matches!(
        run(&none, &s.y, learned),
        DmlError::CrossFit(CrossFitError::ThinArm { arm: 2, .. })
    ));
    let flat = Array2::from_elem((60, 3), 0.5);
    assert_eq!(
        run(&s.arms, &s.y, PropensitySource::Known(&flat)),
        DmlError::Argument(ArgumentError::Propensity { row: 0 })
    );
    let repeats = DmlParams {
        repeats: 0,
        ..DmlParams::default()
    }
    .check();
    assert_eq!(
        repeats.err(),
        Some(ArgumentError::Parameter {
            name: "repeats",
            range: "at least 1"
        })
    );
}

#[test]
fn clipping_and_separation_are_reported() {
    let n = 400;
    let x: Vec<f64> = (0..n).map(|i| (i % 100) as f64 / 10.0).collect();
    // Treated whenever x is above five: no overlap at all.
    let arms: Vec<usize> = x.iter().map(|x| usize::from(*x > 5.0)).collect();
    let y = Array2::from_shape_fn((n, 1), |(i, _)| x[i]);
    let design = Design::from_columns(vec![(Column::numeric("x"), x)]).unwrap();
    let rows = Rows {
        x: &design,
        units: &Unit::one_per_row(n),
        weights: None,
    };
    let g = Linear::ols(BasisParams::LINEAR);
    let m = Logistic::logit(BasisParams::LINEAR);
    let fitted = multi_arm(
        &params(),
        &rows.of_arms(&y, &arms, 2),
        ArmLearners {
            g: &g,
            m: PropensitySource::Learned(&m),
        },
        &unwatched,
    )
    .unwrap();
    let clip = fitted.repeats[0].clip.as_ref().unwrap();
    assert!(
        clip.share > 0.9 && clip.per_arm.iter().all(|c| *c > 0),
        "{clip:?}"
    );
    let separated = fitted
        .flags
        .iter()
        .find(|f| f.flag == LearnerFlag::Separated)
        .unwrap();
    assert_eq!((separated.nuisance.as_str(), separated.fits), ("m", 6));
    assert!(fitted.ate(0, 1, 0).unwrap().estimate.is_finite());
}
