//! Whose effect is averaged: everybody's, the treated's, the untreated's, those of whom treatment is uncertain; and what
//! trimming does to it.

use ceteris_effect::Column;
use ceteris_estimate::dml::{
    ArmLearners, DmlParams, Estimand, FittedInteractive, PropensitySource, interactive,
};
use ceteris_estimate::learner::{BasisParams, Design, Linear, Logistic};
use ceteris_estimate::unwatched;
use ceteris_stats::Unit;

use crate::common::Draws;
use crate::common::Rows;

const G: Linear = Linear::ols(BasisParams::spline(6));
const M: Logistic = Logistic::logit(BasisParams::spline(5));

struct World {
    x: Design,
    y: Vec<f64>,
    d: Vec<f64>,
    tau: Vec<f64>,
    m: Vec<f64>,
}

/// Propensities rise steeply with x, and so does the effect.
fn world(n: usize, slope: f64, seed: u64) -> World {
    let mut r = Draws::new(seed);
    let (mut x, mut y, mut d, mut tau, mut m) = (vec![], vec![], vec![], vec![], vec![]);
    for _ in 0..n {
        let a = r.normal();
        let p = 1.0 / (1.0 + (-slope * a).exp());
        let arm = f64::from(u8::from(r.uniform() < p));
        let effect = 1.0 + a;
        y.push(effect * arm + (2.0 * a).sin() + r.normal());
        x.push(a);
        d.push(arm);
        tau.push(effect);
        m.push(p);
    }
    World {
        x: Design::from_columns(vec![(Column::numeric("x"), x)]).unwrap(),
        y,
        d,
        tau,
        m,
    }
}

impl World {
    fn rows<'a>(&'a self, units: &'a [Unit]) -> Rows<'a> {
        Rows {
            x: &self.x,
            units,
            weights: None,
        }
    }
}

fn fit(w: &World, estimand: Estimand, params: DmlParams) -> FittedInteractive {
    let units = Unit::one_per_row(w.x.n());
    interactive(
        &params.check().unwrap(),
        &w.rows(&units).sample(&w.y, &w.d),
        estimand,
        ArmLearners {
            g: &G,
            m: PropensitySource::Learned(&M),
        },
        &unwatched,
    )
    .unwrap()
}

/// The true effect with weights h over the sample.
fn truth(w: &World, h: impl Fn(f64, f64) -> f64) -> f64 {
    let weights: Vec<f64> = w.m.iter().zip(&w.d).map(|(m, d)| h(*m, *d)).collect();
    let sum: f64 = weights.iter().zip(&w.tau).map(|(h, t)| h * t).sum();
    sum / weights.iter().sum::<f64>()
}

#[test]
fn each_estimand_is_the_average_over_its_own_people() {
    let w = world(6000, 0.8, 1);
    let ate = fit(&w, Estimand::Ate, DmlParams::default());
    let cases = [
        (Estimand::Ate, truth(&w, |_, _| 1.0)),
        (Estimand::Att, truth(&w, |_, d| d)),
        (Estimand::Atc, truth(&w, |_, d| 1.0 - d)),
        (Estimand::Overlap, truth(&w, |m, _| m * (1.0 - m))),
    ];
    let units = Unit::one_per_row(w.x.n());
    let rows = w.rows(&units);
    for (estimand, truth) in cases {
        let direct = fit(&w, estimand, DmlParams::default()).estimate;
        assert!(
            (direct.estimate - truth).abs() < 3.0 * direct.std_error,
            "{estimand:?}: {direct:?} {truth}"
        );
        // From nuisances already there: the same bits, no learner run again.
        assert_eq!(
            ate.of(&rows.sample(&w.y, &w.d), estimand).unwrap().estimate,
            direct
        );
    }
    assert!(cases[1].1 > cases[0].1 + 0.2 && cases[2].1 < cases[0].1 - 0.2);
}

#[test]
fn the_overlap_weighted_effect_stays_sure_where_overlap_is_weak() {
    let w = world(3000, 3.0, 2);
    let ate = fit(&w, Estimand::Ate, DmlParams::default());
    let units = Unit::one_per_row(w.x.n());
    let overlap = ate
        .of(&w.rows(&units).sample(&w.y, &w.d), Estimand::Overlap)
        .unwrap();
    assert!(ate.repeats[0].nuisances.clip.as_ref().unwrap().rows > 0);
    assert!(overlap.estimate.std_error < 0.5 * ate.estimate.std_error);
    let truth = truth(&w, |m, _| m * (1.0 - m));
    assert!((overlap.estimate.estimate - truth).abs() < 3.0 * overlap.estimate.std_error);
}

#[test]
fn trimming_leaves_rows_out_and_says_how_many() {
    let w = world(3000, 2.0, 3);
    let trimmed = DmlParams {
        trim: Some(0.1),
        repeats: 2,
        ..DmlParams::default()
    };
    let fit = fit(&w, Estimand::Ate, trimmed);
    let report = fit.trim.clone().unwrap();
    let expected = w.m.iter().filter(|m| m.min(1.0 - *m) < 0.1).count();
    assert!(
        report.rows.abs_diff(expected) < 150 && report.rows > 300,
        "{report:?} {expected}"
    );
    assert_eq!(fit.weights.iter().filter(|w| **w == 0.0).count(), report.rows);
    assert!((report.share - report.rows as f64 / 3000.0).abs() < 1e-12);
    let truth = truth(&w, |m, _| f64::from(u8::from(m.min(1.0 - m) >= 0.1)));
    assert!((fit.estimate.estimate - truth).abs() < 3.0 * fit.estimate.std_error);
    let bad = DmlParams {
        trim: Some(0.7),
        ..DmlParams::default()
    };
    assert!(bad.check().is_err());
}
