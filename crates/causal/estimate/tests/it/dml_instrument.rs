//! Recipes that find an effect where covariates do not suffice: instruments and the front door; and dose-response.

use ceteris_effect::Column;
use ceteris_estimate::Sample;
use ceteris_estimate::dml::{
    Compliance, DmlError, DmlParams, FoldPlan, FrontDoorLearners, InstrumentLearners, IvTypeLearners,
    LocalAverageLearners, PartiallyLinearLearners, PropensitySource, ValidDmlParams, dose_response,
    front_door, local_average, partially_linear, partially_linear_instrument, partially_linear_iv_type,
};
use ceteris_estimate::inference::{BootstrapParams, Estimate, RobustSet, anderson_rubin};
use ceteris_estimate::learner::{BasisParams, Design, Linear, Logistic, NumericBasis};
use ceteris_estimate::unwatched;
use ceteris_stats::Unit;
use ndarray::Array2;

use crate::common::Draws;
use crate::common::Rows;

const G: Linear = Linear::ols(BasisParams::spline(6));
const M: Logistic = Logistic::logit(BasisParams::spline(5));

fn params(seed: u64) -> ValidDmlParams {
    DmlParams {
        seed,
        ..DmlParams::default()
    }
    .check()
    .unwrap()
}

fn within(e: &Estimate, truth: f64, errors: f64) {
    assert!(
        (e.estimate - truth).abs() <= errors * e.std_error,
        "{e:?} is not {truth}"
    );
}

fn beyond(e: &Estimate, truth: f64, errors: f64) {
    assert!((e.estimate - truth).abs() > errors * e.std_error, "{e:?}");
}

struct World {
    x: Design,
    units: Vec<Unit>,
    y: Vec<f64>,
    d: Vec<f64>,
    z: Vec<f64>,
}

impl World {
    fn rows(&self) -> Rows<'_> {
        Rows {
            x: &self.x,
            units: &self.units,
            weights: None,
        }
    }
}

/// A hidden cause of d and y, and an instrument that depends on x only.
fn hidden(n: usize, seed: u64) -> World {
    let mut r = Draws::new(seed);
    let (mut x, mut y, mut d, mut z) = (vec![], vec![], vec![], vec![]);
    for _ in 0..n {
        let (a, u) = (2.0 * r.uniform() - 1.0, r.normal());
        let instrument = (2.0 * a).sin() + r.normal();
        let dose = instrument + a * a + u + 0.5 * r.normal();
        y.push(1.5 * dose + (3.0 * a).cos() + 2.0 * u + r.normal());
        x.push(a);
        d.push(dose);
        z.push(instrument);
    }
    World {
        x: Design::from_columns(vec![(Column::numeric("x"), x)]).unwrap(),
        units: Unit::one_per_row(n),
        y,
        d,
        z,
    }
}

#[test]
fn an_instrument_finds_what_covariates_cannot() {
    let w = hidden(3000, 1);
    let naive = partially_linear(
        &params(1),
        &w.rows().sample(&w.y, &w.d),
        PartiallyLinearLearners { l: &G, m: &G },
        &unwatched,
    )
    .unwrap();
    beyond(&naive.estimate, 1.5, 10.0);
    let fit = partially_linear_instrument(
        &params(1),
        &w.rows().instrumented(&w.y, &w.d, &w.z),
        InstrumentLearners { l: &G, r: &G, m: &G },
        &unwatched,
    )
    .unwrap();
    within(&fit.estimate, 1.5, 3.0);
    let scores = &fit.repeats[0].scores;
    let set = anderson_rubin(scores, &fit.weights, &fit.clusters, 0.95).unwrap();
    assert!(matches!(set, RobustSet::Interval([low, high]) if low < 1.5 && 1.5 < high));
}

#[test]
fn the_treatment_as_its_own_instrument_is_partialling_out() {
    let w = hidden(500, 2);
    let own = partially_linear_instrument(
        &params(3),
        &w.rows().instrumented(&w.y, &w.d, &w.d),
        InstrumentLearners { l: &G, r: &G, m: &G },
        &unwatched,
    )
    .unwrap();
    let plain = partially_linear(
        &params(3),
        &w.rows().sample(&w.y, &w.d),
        PartiallyLinearLearners { l: &G, m: &G },
        &unwatched,
    )
    .unwrap();
    assert!((own.estimate.estimate - plain.estimate.estimate).abs() < 1e-10);
    assert!((own.estimate.std_error - plain.estimate.std_error).abs() < 1e-10);
}

/// y = 2 d + bent x + noise, d continuous and confounded.
fn bent(n: usize, seed: u64) -> World {
    let mut r = Draws::new(seed);
    let (mut x, mut y, mut d) = (vec![], vec![], vec![]);
    for _ in 0..n {
        let a = 2.0 * r.uniform() - 1.0;
        let dose = (3.0 * a).sin() + 0.7 * r.normal();
        y.push(2.0 * dose + 2.0 * (3.0 * a).sin() + r.normal());
        x.push(a);
        d.push(dose);
    }
    World {
        x: Design::from_columns(vec![(Column::numeric("x"), x)]).unwrap(),
        units: Unit::one_per_row(n),
        z: d.clone(),
        y,
        d,
    }
}

#[test]
fn the_instrument_type_agrees_with_partialling_out_and_takes_the_median() {
    let w = bent(3000, 4);
    let repeated = DmlParams {
        seed: 5,
        repeats: 3,
        ..DmlParams::default()
    }
    .check()
    .unwrap();
    let fit = partially_linear_iv_type(
        &repeated,
        &w.rows().sample(&w.y, &w.d),
        IvTypeLearners { l: &G, m: &G, g: &G },
        &unwatched,
    )
    .unwrap();
    within(&fit.estimate, 2.0, 3.0);
    assert_eq!(fit.repeats.len(), 3);
    let plain = partially_linear(
        &repeated,
        &w.rows().sample(&w.y, &w.d),
        PartiallyLinearLearners { l: &G, m: &G },
        &unwatched,
    )
    .unwrap();
    assert!((fit.estimate.estimate - plain.estimate.estimate).abs() < 0.3 * fit.estimate.std_error);
    assert_eq!(fit.repeats[1].nuisances.first, plain.repeats[1].estimate.estimate);
    let mut each: Vec<f64> = fit.repeats.iter().map(|r| r.estimate.estimate).collect();
    each.sort_unstable_by(f64::total_cmp);
    assert_eq!(fit.estimate.estimate, each[1]);
}

#[test]
fn two_ways_of_clusters_widen_the_error_that_one_way_misses() {
    // Every row of a day shares a shock to dose and outcome; units are many.
    let mut r = Draws::new(6);
    let (days, per_day) = (60, 20);
    let (mut x, mut y, mut d, mut units, mut dates) = (vec![], vec![], vec![], vec![], vec![]);
    for day in 0..days {
        let (push, shock) = (r.normal(), r.normal());
        for i in 0..per_day {
            let a = r.normal();
            let dose = a + push + 0.3 * r.normal();
            y.push(dose + a + shock + 0.3 * r.normal());
            d.push(dose);
            x.push(a);
            units.push(Unit::from(1000 + i as u64 + 20 * (day as u64 % 30)));
            dates.push(Unit::from(day as u64));
        }
    }
    let x = Design::from_columns(vec![(Column::numeric("x"), x)]).unwrap();
    let rows = Rows {
        x: &x,
        units: &units,
        weights: None,
    };
    let plan = DmlParams {
        folds: FoldPlan::ByTwoWays { k: 3 },
        ..DmlParams::default()
    };
    let sample = Sample {
        cluster: Some(&dates),
        ..rows.sample(&y, &d)
    };
    let fit = partially_linear(
        &plan.check().unwrap(),
        &sample,
        PartiallyLinearLearners { l: &G, m: &G },
        &unwatched,
    )
    .unwrap();
    let two = fit.two_way().unwrap();
    assert_eq!(fit.repeats[0].folds.k(), 9);
    assert_eq!(two.clusters, 60);
    assert!(
        two.std_error > 2.0 * fit.estimate.std_error,
        "{two:?} {:?}",
        fit.estimate
    );
    within(&two, 1.0, 3.0);
}

/// A dose confounded with y by x, and its basis tried on a curve that the basis can hold.
fn recovers(curve: fn(f64) -> f64, basis: NumericBasis) {
    let mut r = Draws::new(7);
    let n = 4000;
    let (mut x, mut y, mut d) = (vec![], vec![], vec![]);
    for _ in 0..n {
        let a = 2.0 * r.uniform() - 1.0;
        let dose = 1.0 + (2.0 * a).sin() + r.normal();
        y.push(curve(dose) + 2.0 * (2.0 * a).sin() + r.normal());
        x.push(a);
        d.push(dose);
    }
    let x = Design::from_columns(vec![(Column::numeric("x"), x)]).unwrap();
    let units = Unit::one_per_row(n);
    let rows = Rows {
        x: &x,
        units: &units,
        weights: None,
    };
    let fit = dose_response(
        &params(1),
        &rows.sample(&y, &d),
        basis,
        PartiallyLinearLearners { l: &G, m: &G },
        &unwatched,
    )
    .unwrap();
    let doses = [0.0, 0.5, 1.5, 2.0, 2.5];
    let joint = fit.curve(&doses, 1.0).unwrap();
    let band = joint.bootstrap(&BootstrapParams::default()).joint_bands(0.99);
    for (dose, [low, high]) in doses.iter().zip(band) {
        let truth = curve(*dose) - curve(1.0);
        assert!(
            (low..high).contains(&truth),
            "{basis:?} {dose}: {truth} not in {low} {high}"
        );
        assert!(high - low < 1.0);
    }
    let [low, high] = fit.support();
    assert_eq!(
        fit.contrast(high + 1.0, low).err(),
        Some(DmlError::Dose {
            dose: high + 1.0,
            low,
            high
        })
    );
}

#[test]
fn a_dose_response_curve_is_recovered_with_its_band() {
    recovers(|d| d * d - 0.3 * d, NumericBasis::Polynomial { degree: 2 });
    recovers(|d| 2.0 * (d - 1.0).tanh(), NumericBasis::Spline { knots: 8 });
}

/// A binary d confounded with y by a hidden coin; everything runs through two mediators, one of them continuous.
fn through_mediators(n: usize, seed: u64) -> (World, Design) {
    let mut r = Draws::new(seed);
    let (mut x, mut y, mut d, mut m1, mut m2) = (vec![], vec![], vec![], vec![], vec![]);
    for _ in 0..n {
        let (a, u) = (2.0 * r.uniform() - 1.0, f64::from(u8::from(r.uniform() < 0.5)));
        let p = 1.0 / (1.0 + (-(0.8 * a + 1.6 * u - 0.8)).exp());
        let arm = f64::from(u8::from(r.uniform() < p));
        let one = 0.8 * arm + 0.5 * a + r.normal();
        let two = f64::from(u8::from(r.uniform() < 0.3 + 0.4 * arm));
        y.push(one + 1.5 * two + a + 3.0 * u + r.normal());
        x.push(a);
        d.push(arm);
        m1.push(one);
        m2.push(two);
    }
    let mediators =
        Design::from_columns(vec![(Column::numeric("m1"), m1), (Column::numeric("m2"), m2)]).unwrap();
    let world = World {
        x: Design::from_columns(vec![(Column::numeric("x"), x)]).unwrap(),
        units: Unit::one_per_row(n),
        z: d.clone(),
        y,
        d,
    };
    (world, mediators)
}

#[test]
fn the_front_door_sees_through_a_hidden_cause() {
    let truth = 0.8 + 1.5 * 0.4;
    let (w, mediators) = through_mediators(4000, 8);
    let ols = Linear::ols(BasisParams::LINEAR);
    let naive = partially_linear(
        &params(1),
        &w.rows().sample(&w.y, &w.d),
        PartiallyLinearLearners { l: &ols, m: &ols },
        &unwatched,
    )
    .unwrap();
    beyond(&naive.estimate, truth, 8.0);
    let fit = front_door(
        &params(1),
        &w.rows().sample(&w.y, &w.d),
        &mediators,
        FrontDoorLearners { y: &ols, d: &M },
        &unwatched,
    )
    .unwrap();
    within(&fit.estimate, truth, 3.0);
    assert!(fit.estimate.std_error < 0.1);
    assert_eq!(fit.repeats[0].nuisances.rows.len(), 4000);
}

#[test]
fn the_front_door_needs_no_covariates() {
    let (w, mediators) = through_mediators(3000, 9);
    let nothing = Design::new(Array2::zeros((3000, 0)), vec![]).unwrap();
    let rows = Rows {
        x: &nothing,
        units: &w.units,
        weights: None,
    };
    let ols = Linear::ols(BasisParams::LINEAR);
    // x then confounds the mediators, so the answer is off; the point is that an empty table is no fault.
    let fit = front_door(
        &params(1),
        &rows.sample(&w.y, &w.d),
        &mediators,
        FrontDoorLearners { y: &ols, d: &M },
        &unwatched,
    )
    .unwrap();
    assert!(fit.estimate.estimate.is_finite() && fit.estimate.std_error > 0.0);
}

#[test]
fn the_local_average_is_that_of_compliers() {
    // Effects are 3 for compliers and 0 for always-takers; the hidden type moves y.
    let mut r = Draws::new(10);
    let n = 6000;
    let (mut x, mut y, mut d, mut z) = (vec![], vec![], vec![], vec![]);
    for _ in 0..n {
        let (a, kind) = (2.0 * r.uniform() - 1.0, r.uniform());
        let instrument = f64::from(u8::from(r.uniform() < 0.5 + 0.2 * a));
        let (always, never) = (kind < 0.2, kind > 0.7);
        let arm = if always {
            1.0
        } else if never {
            0.0
        } else {
            instrument
        };
        let effect = if always { 0.0 } else { 3.0 };
        y.push(effect * arm + 4.0 * f64::from(u8::from(always)) + a + r.normal());
        x.push(a);
        d.push(arm);
        z.push(instrument);
    }
    let x = Design::from_columns(vec![(Column::numeric("x"), x)]).unwrap();
    let units = Unit::one_per_row(n);
    let rows = Rows {
        x: &x,
        units: &units,
        weights: None,
    };
    let both = Compliance {
        always_takers: true,
        never_takers: true,
    };
    let run = |compliance, m: PropensitySource<'_>| {
        local_average(
            &params(2),
            &rows.instrumented(&y, &d, &z),
            compliance,
            LocalAverageLearners { g: &G, r: &M, m },
            &unwatched,
        )
    };
    let fit = run(both, PropensitySource::Learned(&M)).unwrap();
    within(&fit.estimate, 3.0, 3.0);
    let known = Array2::from_shape_fn((n, 2), |(i, k)| {
        let p = 0.5 + 0.2 * x.values()[[i, 0]];
        if k == 1 { p } else { 1.0 - p }
    });
    let designed = run(both, PropensitySource::Known(&known)).unwrap();
    within(&designed.estimate, 3.0, 3.0);
    assert!(designed.repeats[0].nuisances.clip.is_none());
    let false_claim = Compliance {
        always_takers: false,
        never_takers: true,
    };
    assert!(matches!(
        run(false_claim, PropensitySource::Learned(&M)).err(),
        Some(DmlError::Compliance { takers: "always", .. })
    ));
}

/// Estimates of every recipe here, from rows in a given order and an outcome moved and scaled.
fn all(order: &[usize], shift: f64, scale: f64) -> Vec<Estimate> {
    let pick = |v: &[f64]| -> Vec<f64> { order.iter().map(|&i| v[i]).collect() };
    let moved = |v: &[f64]| -> Vec<f64> { order.iter().map(|&i| shift + scale * v[i]).collect() };
    let n = order.len();
    let units: Vec<Unit> = order.iter().map(|&i| Unit::from(i as u64 / 2)).collect();
    let (w, (b, mediators)) = (hidden(n, 11), through_mediators(n, 12));
    let binary: Vec<f64> = w.z.iter().map(|z| f64::from(u8::from(*z > 0.0))).collect();
    let (xw, xb, m) = (w.x.select(order), b.x.select(order), mediators.select(order));
    let rows = |x| Rows {
        x,
        units: &units,
        weights: None,
    };
    let p = params(4);
    let compliance = Compliance {
        always_takers: true,
        never_takers: true,
    };
    let took: Vec<f64> = w.d.iter().map(|d| f64::from(u8::from(*d > 0.3))).collect();
    let (y, d, z) = (moved(&w.y), pick(&w.d), pick(&w.z));
    let g = Linear::ols(BasisParams::polynomial(2));
    let basis = NumericBasis::Polynomial { degree: 2 };
    vec![
        partially_linear_instrument(
            &p,
            &rows(&xw).instrumented(&y, &d, &z),
            InstrumentLearners { l: &g, r: &g, m: &g },
            &unwatched,
        )
        .unwrap()
        .estimate,
        partially_linear_iv_type(
            &p,
            &rows(&xw).sample(&y, &d),
            IvTypeLearners { l: &g, m: &g, g: &g },
            &unwatched,
        )
        .unwrap()
        .estimate,
        dose_response(
            &p,
            &rows(&xw).sample(&y, &d),
            basis,
            PartiallyLinearLearners { l: &g, m: &g },
            &unwatched,
        )
        .unwrap()
        .contrast(1.0, 0.0)
        .unwrap(),
        local_average(
            &p,
            &rows(&xw).instrumented(&y, &pick(&took), &pick(&binary)),
            compliance,
            LocalAverageLearners {
                g: &g,
                r: &M,
                m: PropensitySource::Learned(&M),
            },
            &unwatched,
        )
        .unwrap()
        .estimate,
        front_door(
            &p,
            &rows(&xb).sample(&moved(&b.y), &pick(&b.d)),
            &m,
            FrontDoorLearners { y: &g, d: &M },
            &unwatched,
        )
        .unwrap()
        .estimate,
    ]
}

#[test]
fn shifting_scaling_and_permuting_change_what_they_must_and_nothing_else() {
    let order: Vec<usize> = (0..600).collect();
    let other: Vec<usize> = (0..600).map(|i| (i * 7) % 600).collect();
    let (base, moved, permuted) = (
        all(&order, 0.0, 1.0),
        all(&order, 5.0, 10.0),
        all(&other, 0.0, 1.0),
    );
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-7 * (1.0 + b.abs()), "{a} is not {b}");
    for ((b, m), p) in base.iter().zip(&moved).zip(&permuted) {
        near(m.estimate, 10.0 * b.estimate);
        near(m.std_error, 10.0 * b.std_error);
        near(p.estimate, b.estimate);
        near(p.std_error, b.std_error);
    }
}
