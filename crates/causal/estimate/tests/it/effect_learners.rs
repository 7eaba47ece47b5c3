//! Learners of effects per unit: each finds a known effect, says when it has no interval, and is chosen among rightly.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use ceteris_effect::Effect;
use ceteris_effect::forest::Covariates;
use ceteris_effect::{EffectLearner, EffectModel, ModelError, ModelKind};
use ceteris_estimate::effect::learners::{EffectError, EffectSample, LearnerParams, compare, fit_effects};
use ceteris_estimate::forest::ForestParams;
use ceteris_estimate::learner::{BasisParams, Linear, Logistic};
use ceteris_estimate::{Arms, Treatment};
use ceteris_estimate::{Progress, unwatched};
use ceteris_stats::Unit;
use ndarray::Array2;

use crate::forest_support::{Draws, ForestRows};

const RIDGE: Linear = Linear::ridge_gcv(BasisParams::spline(4));
const LOGIT: Logistic = Logistic::logit_l2(BasisParams::spline(4), 1.0);

fn params<'a>() -> LearnerParams<'a> {
    LearnerParams {
        ml_l: &RIDGE,
        ml_m: &LOGIT,
        ml_dose: &RIDGE,
        folds: 4,
        seed: 5,
        clip: 0.01,
        forest: ForestParams {
            trees: 200,
            ..ForestParams::default()
        },
    }
}

struct Sim {
    x: Covariates,
    units: Vec<Unit>,
    arms: Vec<usize>,
    y: Vec<f64>,
    tau: Vec<[f64; 2]>,
}

/// Three arms, confounded by the first covariate; effects by `tau` of the second and third.
fn simulate(n: usize, n_arms: usize, seed: u64, tau: fn(f64, f64) -> [f64; 2]) -> Sim {
    let mut draws = Draws::new(seed);
    let x = Array2::from_shape_fn((n, 4), |_| draws.uniform());
    let mut sim = Sim {
        x: Covariates::numeric(x.clone()).unwrap(),
        units: Unit::one_per_row(n),
        arms: Vec::new(),
        y: Vec::new(),
        tau: Vec::new(),
    };
    for row in x.outer_iter() {
        let treated = draws.uniform() < 0.3 + 0.4 * row[0];
        let arm = if treated {
            1 + (draws.uniform() * (n_arms - 1) as f64) as usize
        } else {
            0
        };
        let effect = tau(row[1], row[2]);
        let mine = if arm == 0 { 0.0 } else { effect[arm - 1] };
        sim.arms.push(arm);
        sim.y.push(2.0 * row[0] + mine + 0.5 * draws.normal());
        sim.tau.push(effect);
    }
    sim
}

impl Sim {
    fn data(&self, count: usize) -> EffectSample<'_> {
        let arms = Arms {
            of_row: &self.arms,
            count,
        };
        self.rows().sample(&self.y, Treatment::Arms(arms))
    }

    fn rows(&self) -> ForestRows<'_> {
        ForestRows {
            x: &self.x,
            units: &self.units,
            weights: None,
        }
    }
}

fn linear_effect(x2: f64, _: f64) -> [f64; 2] {
    [1.0 + 2.0 * x2, -1.0]
}

fn step_effect(x2: f64, x3: f64) -> [f64; 2] {
    [f64::from(u8::from(x2 > 0.5 && x3 > 0.5)) * 3.0, 0.0]
}

#[test]
fn every_learner_finds_the_effect_of_every_arm() {
    let (train, fresh) = (
        simulate(3000, 3, 1, linear_effect),
        simulate(400, 3, 2, linear_effect),
    );
    for learner in EffectLearner::ALL {
        let model = fit_effects(learner, &params(), &train.data(3), &unwatched).unwrap();
        assert_eq!((model.learner(), model.treatments()), (learner, 2));
        let found = model.predict_all(&fresh.x).unwrap();
        for a in 0..2 {
            let gap = |i: usize| found[2 * i + a].tau - fresh.tau[i][a];
            let rmse = ((0..400).map(|i| gap(i).powi(2)).sum::<f64>() / 400.0).sqrt();
            // The effect itself varies with a standard deviation of 0.58.
            assert!(rmse < 0.3, "{} arm {}: rmse {rmse}", learner.name(), a + 1);
            let finite = found.iter().all(|e| e.std_error.is_finite() && e.std_error > 0.0);
            let none = found.iter().all(|e| e.std_error.is_nan());
            assert!(
                if learner.has_interval() { finite } else { none },
                "{}",
                learner.name()
            );
        }
        if learner.has_interval() {
            let held = |i: usize, a: usize| {
                let [low, high] = found[2 * i + a].ci(0.95);
                low <= fresh.tau[i][a] && fresh.tau[i][a] <= high
            };
            let share = (0..800).filter(|&i| held(i / 2, i % 2)).count() as f64 / 800.0;
            // One sample's units share their errors, so this is no binomial share; 0.8 would still be a broken error.
            assert!(share > 0.8, "{}: {share} of the intervals hold", learner.name());
        }
    }
}

#[test]
fn one_row_and_many_give_the_same_bits_and_parts_make_the_model_again() {
    let sim = simulate(600, 2, 3, linear_effect);
    for learner in EffectLearner::ALL {
        let quick = LearnerParams {
            forest: ForestParams {
                trees: 20,
                ..ForestParams::default()
            },
            ..params()
        };
        let model = fit_effects(learner, &quick, &sim.data(2), &unwatched).unwrap();
        let all = model.predict_all(&sim.x).unwrap();
        let again = EffectModel::new(learner, model.columns().to_vec(), 1, model.kind().clone()).unwrap();
        let (mut scratch, mut out) = (
            again.scratch(),
            [Effect {
                tau: 0.0,
                std_error: 0.0,
            }],
        );
        for (i, expected) in all.iter().enumerate().step_by(37) {
            again
                .predict(&sim.x.row(i).to_vec(), &mut scratch, &mut out)
                .unwrap();
            assert_eq!(out[0].tau.to_bits(), expected.tau.to_bits());
            assert_eq!(out[0].std_error.to_bits(), expected.std_error.to_bits());
        }
        assert!(
            model.in_support(&[0.5; 4]) && !model.in_support(&[0.5, 0.5, 0.5, 9.0]),
            "{}",
            learner.name()
        );
        let other = if learner == EffectLearner::T {
            EffectLearner::X
        } else {
            EffectLearner::T
        };
        let wrong = EffectModel::new(other, model.columns().to_vec(), 1, model.kind().clone());
        assert!(matches!(wrong, Err(ModelError::Parts(_))), "{}", learner.name());
        let none = EffectModel::new(
            learner,
            model.columns().to_vec(),
            1,
            ModelKind::Forests(Vec::new()),
        );
        assert!(none.is_err());
    }
}

#[test]
fn progress_rises_to_its_end_over_all_stages_and_a_stop_ends_the_fit() {
    let sim = simulate(400, 3, 5, step_effect);
    let quick = LearnerParams {
        forest: ForestParams {
            trees: 20,
            ..ForestParams::default()
        },
        ..params()
    };
    for learner in EffectLearner::ALL {
        let (most, total) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let count = |p: Progress| {
            assert!(p.done <= p.total);
            most.fetch_max(p.done, Ordering::Relaxed);
            // The whole is known from the start.
            let before = total.swap(p.total, Ordering::Relaxed);
            assert!(before == 0 || before == p.total);
            ControlFlow::Continue(())
        };
        fit_effects(learner, &quick, &sim.data(3), &count).unwrap();
        assert_eq!(most.into_inner(), total.into_inner(), "{}", learner.name());
        let stop = |p: Progress| match 2 * p.done > p.total {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let stopped = fit_effects(learner, &quick, &sim.data(3), &stop).map(|_| ());
        assert!(
            stopped.as_ref().is_err_and(EffectError::is_interrupted),
            "{}: {stopped:?}",
            learner.name()
        );
    }
}

#[test]
fn a_dose_is_for_the_learners_that_take_one() {
    let n = 1500;
    let mut draws = Draws::new(7);
    let x = Array2::from_shape_fn((n, 2), |_| draws.uniform());
    let d: Vec<f64> = (0..n).map(|i| x[[i, 0]] + draws.normal()).collect();
    let y: Vec<f64> = (0..n)
        .map(|i| (1.0 + x[[i, 1]]) * d[i] + x[[i, 0]] + 0.3 * draws.normal())
        .collect();
    let x = Covariates::numeric(x).unwrap();
    let units = Unit::one_per_row(n);
    let rows = ForestRows {
        x: &x,
        units: &units,
        weights: None,
    };
    let data = rows.sample(&y, Treatment::Dose(&d));
    for learner in EffectLearner::ALL {
        let fitted = fit_effects(learner, &params(), &data, &unwatched);
        if !learner.takes_dose() {
            assert_eq!(
                fitted.unwrap_err(),
                EffectError::Dose {
                    learner: learner.name()
                }
            );
            continue;
        }
        let found = fitted.unwrap().predict_all(&x).unwrap();
        let gap = |i: usize| found[i].tau - 1.0 - x.values()[[i, 1]];
        let rmse = ((0..n).map(|i| gap(i).powi(2)).sum::<f64>() / n as f64).sqrt();
        assert!(rmse < 0.1, "{}: {rmse}", learner.name());
    }
}

#[test]
fn held_out_scores_choose_the_learner_whose_form_is_right() {
    let both = [EffectLearner::Linear, EffectLearner::Forest];
    let of = |tau: fn(f64, f64) -> [f64; 2], seed| {
        let sim = simulate(1600, 2, seed, tau);
        compare(&both, &params(), &sim.data(2), 3, &unwatched).unwrap()
    };
    let linear = of(linear_effect, 11);
    assert_eq!(linear[0].learner, EffectLearner::Linear, "{linear:?}");
    assert!(
        linear[0].r_score > 0.1 && linear[0].dr_score.unwrap() > 0.03,
        "{linear:?}"
    );
    let step = of(step_effect, 12);
    assert_eq!(step[0].learner, EffectLearner::Forest, "{step:?}");
    assert!(step[0].r_score > step[1].r_score + 0.05, "{step:?}");
}
