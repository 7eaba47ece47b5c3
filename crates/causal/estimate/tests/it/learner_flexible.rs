//! Flexible learners: what they find, what they must not depend on, and what they do with gaps and categories.

use ceteris_effect::Column;
use ceteris_estimate::learner::{
    Boosting, Calibrated, Calibration, Classifier, Design, FittedClassifier, Forest, LearnerError,
    LearnerFlag, LearnerKind, Regressor,
};
use ceteris_stats::Unit;
use ndarray::{Array2, Axis};

use crate::common::Draws;

struct Sample {
    x: Design,
    y: Array2<f64>,
    truth: Vec<f64>,
    classes: Vec<usize>,
    p: Vec<f64>,
}

/// A bent, interacting surface of two numbers and a category; two columns of no use.
fn sample(n: usize, seed: u64) -> Sample {
    let mut r = Draws::new(seed);
    let mut columns: Vec<Vec<f64>> = vec![Vec::new(); 5];
    let (mut y, mut truth, mut classes, mut p) = (vec![], vec![], vec![], vec![]);
    for _ in 0..n {
        let (a, b) = (2.0 * r.uniform() - 1.0, 2.0 * r.uniform() - 1.0);
        let k = (4.0 * r.uniform()).floor();
        let f = (3.0 * a).sin()
            + 2.0 * f64::from(u8::from(a > 0.0 && b > 0.0))
            + [0.0, 1.0, -1.0, 0.5][k as usize];
        let share = 1.0 / (1.0 + (-f).exp());
        for (column, v) in columns.iter_mut().zip([a, b, k, r.normal(), r.normal()]) {
            column.push(v);
        }
        y.push(f + 0.5 * r.normal());
        classes.push(usize::from(r.uniform() < share));
        truth.push(f);
        p.push(share);
    }
    let levels = ["a", "b", "c", "d"].map(String::from).to_vec();
    let kind = |j: usize| {
        if j == 2 {
            Column::categorical("k", levels.clone())
        } else {
            Column::numeric(format!("x{j}"))
        }
    };
    let named = columns
        .into_iter()
        .enumerate()
        .map(|(j, v)| (kind(j), v))
        .collect();
    Sample {
        x: Design::from_columns(named)
            .unwrap()
            .of_units((0..n as u64).map(Unit::from).collect()),
        y: Array2::from_shape_vec((n, 1), y).unwrap(),
        truth,
        classes,
        p,
    }
}

fn rmse(found: impl IntoIterator<Item = f64>, truth: &[f64]) -> f64 {
    let squares: f64 = found.into_iter().zip(truth).map(|(f, t)| (f - t).powi(2)).sum();
    (squares / truth.len() as f64).sqrt()
}

fn means(learner: &dyn Regressor, train: &Sample, test: &Sample) -> Vec<f64> {
    let w = vec![1.0; train.x.n()];
    let fitted = learner.fit(&train.x, train.y.view(), &w, 3).unwrap();
    fitted.predict(&test.x).unwrap().column(0).to_vec()
}

fn shares(learner: &dyn Classifier, train: &Sample, test: &Sample) -> Vec<f64> {
    let w = vec![1.0; train.x.n()];
    let fitted = learner.fit(&train.x, &train.classes, 2, &w, 3).unwrap();
    let p = fitted.predict(&test.x).unwrap();
    assert!(
        p.outer_iter()
            .all(|r| (r.sum() - 1.0).abs() < 1e-9 && r.iter().all(|v| (0.0..=1.0).contains(v)))
    );
    p.column(1).to_vec()
}

#[test]
fn trees_find_what_a_straight_line_misses_and_the_mixture_is_no_worse() {
    let (train, test) = (sample(3000, 1), sample(2000, 2));
    let error = |kind: LearnerKind| rmse(means(&*kind.regressor().unwrap(), &train, &test), &test.truth);
    let line = error(LearnerKind::Ols);
    let (forest, boosting, auto) = (
        error(LearnerKind::Forest),
        error(LearnerKind::Boosting),
        error(LearnerKind::Auto),
    );
    assert!(
        forest < 0.6 * line && boosting < 0.4 * line,
        "{line} {forest} {boosting}"
    );
    assert!(auto <= 1.05 * forest.min(boosting), "{auto} {forest} {boosting}");
    let share = |kind: LearnerKind| rmse(shares(&*kind.classifier().unwrap(), &train, &test), &test.p);
    let line = share(LearnerKind::Logit);
    for kind in [LearnerKind::Forest, LearnerKind::Boosting, LearnerKind::Auto] {
        assert!(share(kind) < line, "{kind:?} {} {line}", share(kind));
    }
}

#[test]
fn a_learner_of_means_is_none_of_probabilities() {
    assert!(matches!(
        LearnerKind::Lasso.classifier().err(),
        Some(LearnerError::Parameter { .. })
    ));
    assert!(LearnerKind::Logit.is_of_probabilities() && !LearnerKind::Forest.is_of_probabilities());
}

#[test]
fn bits_do_not_depend_on_threads_and_fits_not_on_row_order_shift_or_scale() {
    let s = sample(400, 4);
    let w: Vec<f64> = (0..400).map(|i| 0.5 + (i % 4) as f64 * 0.3).collect();
    let order: Vec<usize> = (0..400).map(|i| (i * 171) % 400).collect();
    for kind in [
        LearnerKind::Lasso,
        LearnerKind::SplineRidge,
        LearnerKind::Forest,
        LearnerKind::Boosting,
        LearnerKind::Auto,
    ] {
        let learner = kind.regressor().unwrap();
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let fit = || {
                learner
                    .fit(&s.x, s.y.view(), &w, 7)
                    .unwrap()
                    .predict(&s.x)
                    .unwrap()
            };
            pool.install(fit)
        };
        let plain = run(1);
        assert_eq!(plain, run(3), "{kind:?}");
        let moved = s.y.select(Axis(0), &order).mapv(|v| 100.0 + 8.0 * v);
        let heavy: Vec<f64> = order.iter().map(|&i| 4.0 * w[i]).collect();
        let other = learner
            .fit(&s.x.select(&order), moved.view(), &heavy, 7)
            .unwrap()
            .predict(&s.x)
            .unwrap();
        let gap = plain
            .iter()
            .zip(&other)
            .map(|(a, b)| (100.0 + 8.0 * a - b).abs())
            .fold(0.0, f64::max);
        assert!(gap < 1e-6, "{kind:?} {gap}");
    }
}

#[test]
fn rows_without_weight_teach_nothing() {
    let s = sample(600, 5);
    let half: Vec<usize> = (0..300).collect();
    let w: Vec<f64> = (0..600).map(|i| f64::from(u8::from(i < 300))).collect();
    let poisoned = Array2::from_shape_fn((600, 1), |(i, _)| if i < 300 { s.y[[i, 0]] } else { 1e6 });
    let forest: &dyn Regressor = &Forest {
        trees: 40,
        ..Forest::default()
    };
    let with = forest
        .fit(&s.x, poisoned.view(), &w, 1)
        .unwrap()
        .predict(&s.x)
        .unwrap();
    let without = forest
        .fit(
            &s.x.select(&half),
            s.y.select(Axis(0), &half).view(),
            &[1.0; 300],
            1,
        )
        .unwrap()
        .predict(&s.x)
        .unwrap();
    assert!(rmse(with.column(0).to_vec(), &without.column(0).to_vec()) < 1e-9);
}

#[test]
fn missing_values_are_learned_from_where_they_say_something() {
    let mut r = Draws::new(6);
    let n = 1500;
    let (mut x, mut y) = (vec![], vec![]);
    for _ in 0..n {
        let gone = r.uniform() < 0.3;
        let a = r.normal();
        x.push(if gone { f64::NAN } else { a });
        y.push(if gone { 5.0 } else { a } + 0.3 * r.normal());
    }
    let truth: Vec<f64> = x.iter().map(|v| if v.is_nan() { 5.0 } else { *v }).collect();
    let table = Array2::from_shape_vec((n, 1), x).unwrap();
    let table = Design::with_missing(table, vec![Column::numeric("x")]).unwrap();
    let y = Array2::from_shape_vec((n, 1), y).unwrap();
    for kind in [
        LearnerKind::Ols,
        LearnerKind::Lasso,
        LearnerKind::SplineRidge,
        LearnerKind::Forest,
        LearnerKind::Boosting,
    ] {
        let fit = kind
            .regressor()
            .unwrap()
            .fit(&table, y.view(), &vec![1.0; n], 2)
            .unwrap();
        let found = fit.predict(&table).unwrap().column(0).to_vec();
        assert!(rmse(found, &truth) < 0.25, "{kind:?}");
    }
}

/// Says p² where the truth is p.
struct Timid;

struct FittedTimid;

impl Classifier for Timid {
    fn name(&self) -> &'static str {
        "timid"
    }

    fn fit(
        &self,
        _: &Design,
        _: &[usize],
        _: usize,
        _: &[f64],
        _: u64,
    ) -> Result<Box<dyn FittedClassifier>, LearnerError> {
        Ok(Box::new(FittedTimid))
    }
}

impl FittedClassifier for FittedTimid {
    fn predict(&self, x: &Design) -> Result<Array2<f64>, LearnerError> {
        Ok(Array2::from_shape_fn((x.n(), 2), |(i, k)| {
            let p = x.row(i)[0].powi(2);
            if k == 1 { p } else { 1.0 - p }
        }))
    }

    fn flags(&self) -> &[LearnerFlag] {
        &[]
    }
}

#[test]
fn calibration_takes_a_monotone_distortion_away() {
    let mut r = Draws::new(7);
    let n = 4000;
    let p: Vec<f64> = (0..n).map(|_| 0.02 + 0.96 * r.uniform()).collect();
    let classes: Vec<usize> = p.iter().map(|p| usize::from(r.uniform() < *p)).collect();
    let x = Design::from_columns(vec![(Column::numeric("p"), p.clone())]).unwrap();
    let w = vec![1.0; n];
    let off = |classifier: &dyn Classifier| {
        let fit = classifier.fit(&x, &classes, 2, &w, 1).unwrap();
        rmse(fit.predict(&x).unwrap().column(1).to_vec(), &p)
    };
    let raw = off(&Timid);
    for calibration in [Calibration::Isotonic, Calibration::Platt] {
        let held = off(&Calibrated {
            classifier: Timid,
            calibration,
        });
        assert!(held < 0.4 * raw, "{calibration:?} {held} {raw}");
    }
}

#[test]
fn three_classes_have_probabilities_that_sum_to_one_and_follow_the_shares() {
    let mut r = Draws::new(8);
    let n = 3000;
    let x: Vec<f64> = (0..n).map(|_| r.uniform()).collect();
    let classes: Vec<usize> = x
        .iter()
        .map(|x| {
            if *x < 0.5 {
                usize::from(r.uniform() < 0.7)
            } else {
                2 * usize::from(r.uniform() < 0.4)
            }
        })
        .collect();
    let table = Design::from_columns(vec![(Column::numeric("x"), x)]).unwrap();
    let w = vec![1.0; n];
    let ask = Design::from_columns(vec![(Column::numeric("x"), vec![0.25, 0.75])]).unwrap();
    let isotonic = Calibrated {
        classifier: Boosting::default(),
        calibration: Calibration::Isotonic,
    };
    let learners: [&dyn Classifier; 4] = [
        &Forest::default(),
        &Boosting::default(),
        &isotonic,
        &LearnerKind::Auto.classifier().unwrap(),
    ];
    for learner in learners {
        let p = learner
            .fit(&table, &classes, 3, &w, 1)
            .unwrap()
            .predict(&ask)
            .unwrap();
        for (row, expected) in p.outer_iter().zip([[0.3, 0.7, 0.0], [0.6, 0.0, 0.4]]) {
            assert!((row.sum() - 1.0).abs() < 1e-9);
            for (found, expected) in row.iter().zip(expected) {
                // One point of a forest moves by the luck of its neighbours.
                assert!((found - expected).abs() < 0.25, "{} {p}", learner.name());
            }
        }
    }
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let s = sample(50, 9);
    let w = vec![1.0; 50];
    let none = Forest {
        trees: 0,
        ..Forest::default()
    };
    let fault = Regressor::fit(&none, &s.x, s.y.view(), &w, 0).err();
    assert!(matches!(
        fault,
        Some(LearnerError::Parameter { name: "trees", .. })
    ));
    let stump = Boosting {
        leaves: 1,
        ..Boosting::default()
    };
    let fault = Regressor::fit(&stump, &s.x, s.y.view(), &w, 0).err();
    assert!(matches!(
        fault,
        Some(LearnerError::Parameter { name: "leaves", .. })
    ));
    let fit = Regressor::fit(&Forest::default(), &s.x, s.y.view(), &w, 0).unwrap();
    let narrow = Design::from_columns(vec![(Column::numeric("x"), vec![1.0])]).unwrap();
    assert!(matches!(
        fit.predict(&narrow),
        Err(LearnerError::Columns { found: 1, fitted: 5 })
    ));
}
