//! Recovery and coverage on simulated data whose truth is known, with nuisances that no straight line fits.

use ceteris_effect::Column;
use ceteris_effect::Effect;
use ceteris_estimate::dml::{
    ArmLearners, DmlParams, Estimand, FittedMultiArm, FoldPlan, PartiallyLinearLearners, PropensitySource,
    interactive, multi_arm, partially_linear,
};
use ceteris_estimate::effect::{difference_in_means, fit_basis, project, true_coefficients};
use ceteris_estimate::evaluate::unit_errors;
use ceteris_estimate::inference::Estimate;
use ceteris_estimate::learner::{BasisParams, Design, Linear, Logistic, Probability};
use ceteris_estimate::unwatched;
use ceteris_stats::Unit;
use ceteris_stats::{Clusters, binomial_band, chi_square_band};
use ndarray::Array2;

use crate::common::Draws;
use crate::common::Rows;

/// Three arms, two outcomes, confounded by x0 and x1; effects linear in x0 and x2.
struct World {
    x: Design,
    arms: Vec<usize>,
    y: Array2<f64>,
    /// True effects of arms 1 and 2 on outcome 0.
    tau: [Vec<f64>; 2],
    propensity: Array2<f64>,
}

const TRUE_ATE: [f64; 2] = [1.0, 0.5];

fn world(n: usize, seed: u64) -> World {
    let mut r = Draws::new(seed);
    let x = Array2::from_shape_fn((n, 3), |_| 2.0 * r.uniform() - 1.0);
    let mut propensity = Array2::zeros((n, 3));
    let mut y = Array2::zeros((n, 2));
    let (mut arms, mut tau) = (Vec::new(), [Vec::new(), Vec::new()]);
    for i in 0..n {
        let (a, b, c) = (x[[i, 0]], x[[i, 1]], x[[i, 2]]);
        let odds = [
            1.0,
            (0.9 * (3.0 * a).sin() + 0.5 * b).exp(),
            (b * b + 0.6 * (3.0 * a).sin()).exp(),
        ];
        let total: f64 = odds.iter().sum();
        let u = r.uniform() * total;
        let arm = usize::from(u >= odds[0]) + usize::from(u >= odds[0] + odds[1]);
        (0..3).for_each(|k| propensity[[i, k]] = odds[k] / total);
        let base = 2.0 * (3.0 * a).sin() + 2.0 * b * b;
        let effects = [1.0 + a - 0.5 * c, 0.5 - a];
        let effect = if arm == 0 { 0.0 } else { effects[arm - 1] };
        y[[i, 0]] = base + effect + r.normal();
        y[[i, 1]] = f64::from(u8::from(base + 2.0 * effect + r.normal() > 1.0));
        arms.push(arm);
        (0..2).for_each(|k| tau[k].push(effects[k]));
    }
    let columns = (0..3).map(|k| Column::numeric(format!("x{k}"))).collect();
    World {
        x: Design::new(x, columns).unwrap(),
        arms,
        y,
        tau,
        propensity,
    }
}

const G: Linear = Linear::ols(BasisParams::spline(6));
const M: Logistic = Logistic::logit(BasisParams::spline(6));

fn fit(w: &World, seed: u64) -> FittedMultiArm {
    let units = Unit::one_per_row(w.x.n());
    let rows = Rows {
        x: &w.x,
        units: &units,
        weights: None,
    };
    let params = DmlParams {
        seed,
        ..DmlParams::default()
    }
    .check()
    .unwrap();
    multi_arm(
        &params,
        &rows.of_arms(&w.y, &w.arms, 3),
        ArmLearners {
            g: &G,
            m: PropensitySource::Learned(&M),
        },
        &unwatched,
    )
    .unwrap()
}

fn within(e: &Estimate, truth: f64, errors: f64) -> bool {
    (e.estimate - truth).abs() <= errors * e.std_error
}

fn covers(e: &Estimate, truth: f64) -> bool {
    let [low, high] = e.ci(0.95);
    (low..=high).contains(&truth)
}

#[test]
fn arms_are_recovered_where_the_difference_in_means_is_wrong() {
    let w = world(8000, 1);
    let fitted = fit(&w, 1);
    let ones = vec![1.0; w.x.n()];
    for arm in [1, 2] {
        let ate = fitted.ate(0, arm, 0).unwrap();
        assert!(within(&ate, TRUE_ATE[arm - 1], 3.0), "{ate:?}");
        assert!(ate.std_error < 0.05, "{ate:?}");
        let y = w.y.column(0).to_vec();
        let naive = difference_in_means(&y, &w.arms, arm, 0, &ones, &fitted.clusters).unwrap();
        assert!(!within(&naive, TRUE_ATE[arm - 1], 4.0), "{naive:?}");
    }
    let between = fitted.ate(0, 1, 2).unwrap();
    assert!(within(&between, TRUE_ATE[0] - TRUE_ATE[1], 3.0), "{between:?}");
}

#[test]
fn known_propensities_are_used_as_they_are() {
    let w = world(4000, 2);
    let units = Unit::one_per_row(w.x.n());
    let rows = Rows {
        x: &w.x,
        units: &units,
        weights: None,
    };
    let params = DmlParams {
        clip: 0.2,
        ..DmlParams::default()
    }
    .check()
    .unwrap();
    let known = PropensitySource::Known(&w.propensity);
    let fitted = multi_arm(
        &params,
        &rows.of_arms(&w.y, &w.arms, 3),
        ArmLearners { g: &G, m: known },
        &unwatched,
    )
    .unwrap();
    assert_eq!(fitted.repeats[0].m_hat, w.propensity);
    assert!(fitted.repeats[0].clip.is_none());
    for arm in [1, 2] {
        let ate = fitted.ate(0, arm, 0).unwrap();
        assert!(within(&ate, TRUE_ATE[arm - 1], 3.0), "{ate:?}");
    }
}

#[test]
fn doubly_robust_against_one_wrong_nuisance() {
    let w = world(8000, 3);
    let units = Unit::one_per_row(w.x.n());
    let rows = Rows {
        x: &w.x,
        units: &units,
        weights: None,
    };
    let params = DmlParams::default().check().unwrap();
    // A regression that knows nothing, with the true propensities; then the reverse.
    let blind = Linear::ridge(BasisParams::LINEAR, 1e12);
    let known = PropensitySource::Known(&w.propensity);
    let a = multi_arm(
        &params,
        &rows.of_arms(&w.y, &w.arms, 3),
        ArmLearners { g: &blind, m: known },
        &unwatched,
    )
    .unwrap();
    let even = Logistic::logit_l2(BasisParams::LINEAR, 1e9);
    let b = multi_arm(
        &params,
        &rows.of_arms(&w.y, &w.arms, 3),
        ArmLearners {
            g: &G,
            m: PropensitySource::Learned(&even),
        },
        &unwatched,
    )
    .unwrap();
    for fitted in [a, b] {
        let ate = fitted.ate(0, 1, 0).unwrap();
        assert!(within(&ate, TRUE_ATE[0], 3.5), "{ate:?}");
    }
}

#[test]
fn partially_linear_and_treated_effects_are_recovered() {
    let mut r = Draws::new(4);
    let n = 6000;
    let x: Vec<f64> = (0..n).map(|_| 2.0 * r.uniform() - 1.0).collect();
    let p = |x: f64| 0.2 + 0.6 * x * x;
    let d: Vec<f64> = x
        .iter()
        .map(|x| f64::from(u8::from(r.uniform() < p(*x))))
        .collect();
    let y: Vec<f64> = (0..n)
        .map(|i| (4.0 * x[i]).sin() + 3.0 * x[i] * x[i] + d[i] * 1.5 * x[i] * x[i] + r.normal())
        .collect();
    let design = Design::from_columns(vec![(Column::numeric("x"), x)]).unwrap();
    let rows = Rows {
        x: &design,
        units: &Unit::one_per_row(n),
        weights: None,
    };
    let params = DmlParams {
        repeats: 3,
        ..DmlParams::default()
    }
    .check()
    .unwrap();
    let known = PropensitySource::Learned(&M);
    let att = interactive(
        &params,
        &rows.sample(&y, &d),
        Estimand::Att,
        ArmLearners { g: &G, m: known },
        &unwatched,
    )
    .unwrap()
    .estimate;
    // Over x uniform on [-1, 1]: E[x^2] = 1/3, E[x^4] = 1/5, so E[p] = .4 and E[p x^2] = .2/3 + .12.
    assert!(within(&att, 1.5 * (0.2 / 3.0 + 0.12) / 0.4, 3.0), "{att:?}");
    let ate = interactive(
        &params,
        &rows.sample(&y, &d),
        Estimand::Ate,
        ArmLearners { g: &G, m: known },
        &unwatched,
    )
    .unwrap()
    .estimate;
    assert!(within(&ate, 0.5, 3.0), "{ate:?}");
    let plr = partially_linear(
        &params,
        &rows.sample(&y, &d),
        PartiallyLinearLearners {
            l: &G,
            m: &Probability(M),
        },
        &unwatched,
    )
    .unwrap()
    .estimate;
    // Weights p(1-p) = .16 + .36 x^2 - .36 x^4; E[x^6] = 1/7.
    let (v, vx) = (0.16 + 0.12 - 0.072, 0.16 / 3.0 + 0.072 - 0.36 / 7.0);
    assert!(within(&plr, 1.5 * vx / v, 3.0), "{plr:?}");
}

#[test]
fn coverage_of_averages_units_and_coefficients() {
    let runs = 200;
    let (mut held, mut joint, mut units) = ([0.0; 2], 0.0, 0.0);
    for seed in 0..runs {
        let w = world(1500, 100 + seed);
        let fitted = fit(&w, seed);
        for arm in [1, 2] {
            held[arm - 1] += f64::from(u8::from(covers(
                &fitted.ate(0, arm, 0).unwrap(),
                TRUE_ATE[arm - 1],
            )));
        }
        let basis = fit_basis(&w.x, &["x0", "x1", "x2"], &fitted.weights).unwrap();
        let gamma = Array2::from_shape_vec((w.x.n(), 1), fitted.gamma(0, 1, 0)).unwrap();
        let effect = project(&basis, &w.x, gamma.view(), &fitted.weights, &fitted.clusters)
            .unwrap()
            .one(0);
        let truth = true_coefficients(&basis, &w.x, &w.tau[0], &fitted.weights).unwrap();
        joint += effect.wald(&truth).statistic;
        let mut phi = vec![0.0; basis.q()];
        let effects: Vec<Effect> =
            w.x.values()
                .outer_iter()
                .map(|row| effect.predict(&row.to_vec(), &mut phi))
                .collect();
        units += unit_errors(&effects, &w.tau[0], 0.95).unwrap().coverage;
    }
    let [low, high] = binomial_band(runs, 0.95, 0.999);
    for share in held.map(|h| h / runs as f64) {
        assert!((low..=high).contains(&share), "{share} outside [{low}, {high}]");
    }
    let [low, high] = chi_square_band(4 * runs as usize, 0.999);
    assert!((low..=high).contains(&joint), "{joint} outside [{low}, {high}]");
    let units = units / runs as f64;
    assert!((0.92..=0.975).contains(&units), "{units}");
}

#[test]
fn repeated_units_need_clustered_errors() {
    let runs = 200;
    let (per_unit, count) = (6usize, 100u64);
    let (mut clustered, mut ignored) = (0.0, 0.0);
    for seed in 0..runs {
        let mut r = Draws::new(9000 + seed);
        let (mut x, mut d, mut y, mut units) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for u in 0..count {
            let (level, habit) = (r.normal(), r.normal());
            for _ in 0..per_unit {
                let xi = 2.0 * r.uniform() - 1.0;
                let di = xi * xi + habit + 0.5 * r.normal();
                x.push(xi);
                y.push(0.7 * di + (3.0 * xi).sin() + level + 0.5 * r.normal());
                d.push(di);
                units.push(Unit::from(u));
            }
        }
        let design = Design::from_columns(vec![(Column::numeric("x"), x)]).unwrap();
        let params = DmlParams {
            folds: FoldPlan::ByUnit { k: 4 },
            seed,
            ..DmlParams::default()
        }
        .check()
        .unwrap();
        let rows = Rows {
            x: &design,
            units: &units,
            weights: None,
        };
        let fitted = partially_linear(
            &params,
            &rows.sample(&y, &d),
            PartiallyLinearLearners { l: &G, m: &G },
            &unwatched,
        )
        .unwrap();
        let r = &fitted.repeats[0];
        clustered += f64::from(u8::from(covers(&fitted.estimate, 0.7)));
        let alone =
            ceteris_estimate::inference::solve(&r.scores, &vec![1.0; y.len()], &Clusters::rows(y.len()))
                .unwrap();
        ignored += f64::from(u8::from(covers(&alone, 0.7)));
    }
    // With 100 clusters the sandwich is a little short, so the band stands around .94.
    let [low, _] = binomial_band(runs, 0.94, 0.999);
    let [_, high] = binomial_band(runs, 0.95, 0.999);
    let (clustered, ignored) = (clustered / runs as f64, ignored / runs as f64);
    assert!(
        (low..=high).contains(&clustered),
        "{clustered} outside [{low}, {high}]"
    );
    assert!(ignored < low - 0.1, "ignoring clusters covers {ignored}");
}

#[test]
fn sampled_controls_with_inverse_weights_stand_for_the_population() {
    let runs = 150;
    let (mut weighted, mut bare) = (0.0, 0.0);
    for seed in 0..runs {
        let mut r = Draws::new(500 + seed);
        let (mut x, mut arms, mut y, mut units, mut w) = (vec![], vec![], vec![], vec![], vec![]);
        for u in 0..1500u64 {
            let level = 0.5 * r.normal();
            for _ in 0..2 {
                let xi = 2.0 * r.uniform() - 1.0;
                let arm = usize::from(r.uniform() < 0.2 + 0.2 * xi * xi);
                // Controls are drawn with a known probability that depends on x; every treated row is kept.
                let kept = if arm == 1 { 1.0 } else { 0.5 + 0.4 * xi };
                if r.uniform() < kept {
                    x.push(xi);
                    arms.push(arm);
                    y.push((2.0 * xi).cos() + level + arm as f64 * (1.0 + xi) + r.normal());
                    units.push(Unit::from(u));
                    w.push(1.0 / kept);
                }
            }
        }
        let n = x.len();
        let design = Design::from_columns(vec![(Column::numeric("x"), x)]).unwrap();
        let y = Array2::from_shape_vec((n, 1), y).unwrap();
        let params = DmlParams {
            seed,
            ..DmlParams::default()
        }
        .check()
        .unwrap();
        let ate = |weights| {
            let rows = Rows {
                x: &design,
                units: &units,
                weights,
            };
            let m = PropensitySource::Learned(&M);
            multi_arm(
                &params,
                &rows.of_arms(&y, &arms, 2),
                ArmLearners { g: &G, m },
                &unwatched,
            )
            .unwrap()
            .ate(0, 1, 0)
            .unwrap()
        };
        weighted += f64::from(u8::from(covers(&ate(Some(&w[..])), 1.0)));
        bare += f64::from(u8::from(covers(&ate(None), 1.0)));
    }
    let [low, high] = binomial_band(runs, 0.95, 0.999);
    let (weighted, bare) = (weighted / runs as f64, bare / runs as f64);
    assert!(
        (low..=high).contains(&weighted),
        "{weighted} outside [{low}, {high}]"
    );
    assert!(bare < low - 0.1, "without weights {bare}");
}
