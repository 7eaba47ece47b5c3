//! Refuters and sensitivity analysis on analyses that are sound, and on ones that are not.

use ceteris_effect::Column;
use ceteris_estimate::ArgumentError;
use ceteris_estimate::diagnose::e_value::e_value_of_difference;
use ceteris_estimate::diagnose::refute::{Expected, Refuter, Study};
use ceteris_estimate::diagnose::rosenbaum::{rosenbaum_bound, rosenbaum_gamma};
use ceteris_estimate::diagnose::sensitivity::{self, Confounding};
use ceteris_estimate::dml::{
    ArmLearners, DmlError, DmlParams, Estimand, PartiallyLinearLearners, PropensitySource, interactive,
    partially_linear,
};
use ceteris_estimate::inference::Estimate;
use ceteris_estimate::learner::{BasisParams, Design, Linear, Logistic};
use ceteris_estimate::matching::{MatchingParams, matching};
use ceteris_estimate::score::{Observed, PartiallyLinearNuisances};
use ceteris_estimate::unwatched;
use ceteris_stats::Clusters;
use ceteris_stats::Unit;

use crate::common::Draws;
use crate::common::Rows;

const OLS: Linear = Linear::ols(BasisParams::LINEAR);
const LOGIT: Logistic = Logistic::logit(BasisParams::LINEAR);

/// y = d + strength x0 + x1 + noise, d a coin whose odds rise with x0.
fn study(n: usize, strength: f64, seed: u64) -> Study {
    let mut r = Draws::new(seed);
    let (mut a, mut b, mut y, mut d) = (vec![], vec![], vec![], vec![]);
    for _ in 0..n {
        let (x0, x1) = (r.normal(), r.normal());
        let arm = f64::from(u8::from(r.uniform() < 1.0 / (1.0 + (-0.8 * x0).exp())));
        y.push(arm + strength * x0 + x1 + r.normal());
        a.push(x0);
        b.push(x1);
        d.push(arm);
    }
    Study {
        x: Design::from_columns(vec![(Column::numeric("x0"), a), (Column::numeric("x1"), b)]).unwrap(),
        y,
        d,
        units: (0..n as u64).map(Unit::from).collect(),
        w: vec![1.0; n],
    }
}

fn plr(s: &Study) -> Result<Estimate, DmlError> {
    let rows = Rows {
        x: &s.x,
        units: &s.units,
        weights: Some(&s.w),
    };
    let params = DmlParams::default().check()?;
    Ok(partially_linear(
        &params,
        &rows.sample(&s.y, &s.d),
        PartiallyLinearLearners { l: &OLS, m: &OLS },
        &unwatched,
    )?
    .estimate)
}

#[test]
fn a_sound_analysis_survives_every_refuter() {
    let s = study(2000, 1.5, 1);
    let original = plr(&s).unwrap();
    assert!((original.estimate - 1.0).abs() < 3.0 * original.std_error);
    let mut r = Draws::new(2);
    let x0: Vec<f64> = s.x.column(0).collect();
    let outcome: Vec<f64> = x0.iter().map(|x| 2.0 * x + r.normal()).collect();
    let treatment: Vec<f64> = x0.iter().map(|x| x + r.normal()).collect();
    let refuters = [
        (Refuter::PlaceboTreatment, Expected::Zero),
        (Refuter::DummyOutcome, Expected::Zero),
        (Refuter::RandomCommonCause, Expected::Same),
        (Refuter::Subset { share: 0.7 }, Expected::Same),
        (Refuter::NegativeOutcome { y: outcome }, Expected::Zero),
        (Refuter::NegativeTreatment { d: treatment }, Expected::Zero),
    ];
    for (refuter, expected) in refuters {
        let found = refuter.run(&s, &original, &plr, 0.01, 5).unwrap();
        assert_eq!(found.expected, expected);
        assert!(found.passed, "{refuter:?}: {found:?}");
        assert!(!refuter.cannot_show().is_empty());
        assert_eq!(found, refuter.run(&s, &original, &plr, 0.01, 5).unwrap());
    }
}

#[test]
fn a_negative_control_sees_the_confounder_that_was_left_out() {
    let whole = study(2000, 1.5, 3);
    let mut r = Draws::new(4);
    let control: Vec<f64> = whole
        .x
        .values()
        .column(0)
        .iter()
        .map(|x| 2.0 * x + r.normal())
        .collect();
    let blind = Study {
        x: whole.x.without(&["x0"]),
        ..whole
    };
    let original = plr(&blind).unwrap();
    assert!(original.estimate > 1.5);
    let found = Refuter::NegativeOutcome { y: control }
        .run(&blind, &original, &plr, 0.01, 5)
        .unwrap();
    assert!(!found.passed && found.p_value.unwrap() < 1e-6);
    // Shuffling sees nothing, as it says.
    assert!(
        Refuter::PlaceboTreatment
            .run(&blind, &original, &plr, 0.01, 5)
            .unwrap()
            .passed
    );
    let short = Refuter::NegativeTreatment { d: vec![0.0; 3] }.run(&blind, &original, &plr, 0.01, 5);
    assert!(matches!(
        short,
        Err(DmlError::Argument(ArgumentError::Length { .. }))
    ));
}

#[test]
fn a_measured_covariate_is_the_yardstick_of_its_own_omission() {
    let s = study(20_000, 1.5, 6);
    let elements = |x: &Design| {
        let rows = Rows {
            x,
            units: &s.units,
            weights: None,
        };
        let params = DmlParams::default().check().unwrap();
        let fit = interactive(
            &params,
            &rows.sample(&s.y, &s.d),
            Estimand::Ate,
            ArmLearners {
                g: &OLS,
                m: PropensitySource::Learned(&LOGIT),
            },
            &unwatched,
        )
        .unwrap();
        let of = |estimand| {
            sensitivity::interactive(
                Observed { y: &s.y, d: &s.d },
                &fit.repeats[0].nuisances,
                estimand,
                &s.w,
                &fit.clusters,
            )
            .unwrap()
        };
        [Estimand::Ate, Estimand::Att, Estimand::Atc, Estimand::Overlap].map(of)
    };
    let long = elements(&s.x);
    let short = elements(&s.x.without(&["x0"]));
    for (long, short) in long.iter().zip(&short) {
        let b = sensitivity::benchmark(long, short);
        assert!(
            b.cf_y > 0.5 && b.cf_d > 0.05 && b.rho > 0.5 && b.change > 0.8,
            "{b:?}"
        );
        // A confounder of that strength takes the short estimate to the long one.
        let as_strong = Confounding {
            cf_y: 1.0 - 1.0 / (1.0 + b.cf_y),
            cf_d: b.cf_d / (1.0 + b.cf_d),
            rho: b.rho,
        };
        let bounds = short.bounds(as_strong, 0.95).unwrap();
        let theta = short
            .bounds(
                Confounding {
                    cf_y: 0.0,
                    ..as_strong
                },
                0.95,
            )
            .unwrap()
            .theta[0];
        assert!(
            (bounds.theta[0] - (theta - b.change)).abs() < 0.15 * b.change,
            "{bounds:?} {theta} {b:?}"
        );
        assert!(long.robustness_value(0.0, 1.0) > long.robustness_value_with_confidence(0.0, 1.0, 0.95));
    }
}

#[test]
fn where_effects_do_not_vary_overlap_weighting_has_the_partially_linear_bounds() {
    let s = study(4000, 1.0, 7);
    let rows = Rows {
        x: &s.x,
        units: &s.units,
        weights: None,
    };
    let params = DmlParams::default().check().unwrap();
    let source = PropensitySource::Learned(&LOGIT);
    let fit = interactive(
        &params,
        &rows.sample(&s.y, &s.d),
        Estimand::Overlap,
        ArmLearners { g: &OLS, m: source },
        &unwatched,
    )
    .unwrap();
    let nuisances = &fit.repeats[0].nuisances;
    let observed = Observed { y: &s.y, d: &s.d };
    let one = sensitivity::interactive(observed, nuisances, Estimand::Overlap, &s.w, &fit.clusters).unwrap();
    let l: Vec<f64> = (0..4000)
        .map(|i| nuisances.m[i] * nuisances.g1[i] + (1.0 - nuisances.m[i]) * nuisances.g0[i])
        .collect();
    let hats = PartiallyLinearNuisances {
        l_hat: l,
        m_hat: nuisances.m.clone(),
    };
    let two = sensitivity::partially_linear(observed, &hats, &s.w, &Clusters::rows(4000)).unwrap();
    let (a, b) = (one.robustness_value(0.0, 1.0), two.robustness_value(0.0, 1.0));
    assert!((a - b).abs() < 0.01 * b, "{a} {b}");
}

#[test]
fn matched_pairs_and_the_e_value_tell_how_much_bias_it_would_take() {
    let s = study(1500, 1.0, 8);
    let rows = Rows {
        x: &s.x,
        units: &s.units,
        weights: None,
    };
    let matched = matching(&MatchingParams::default(), &rows.sample(&s.y, &s.d)).unwrap();
    assert!(
        (matched.estimate.estimate - 1.0).abs() < 3.0 * matched.estimate.std_error,
        "{:?}",
        matched.estimate
    );
    let gaps: Vec<f64> = matched.matches.iter().map(|m| m.effect).collect();
    let gamma = rosenbaum_gamma(&gaps, 0.05);
    assert!(
        gamma > 2.0 && rosenbaum_bound(&gaps, 1.0).p_value_max < 1e-6,
        "{gamma}"
    );
    let mean = s.y.iter().sum::<f64>() / 1500.0;
    let sd = (s.y.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / 1500.0).sqrt();
    let e = e_value_of_difference(&matched.estimate, sd, 0.95);
    assert!(e.point > e.limit && e.limit > 1.5, "{e:?}");
}
