//! Effects: forced arms, an oracle regression, and how far naive estimates are from the truth.

use super::least_squares::least_squares;
use ceteris_synth::ecommerce::{
    Arm, Coupon, Intervention, Opportunity, Region, Response, World, WorldConfig, coefficients,
};

fn world(seed: u64, users: u32) -> World {
    World::new(WorldConfig {
        seed,
        users,
        days: 70,
    })
    .unwrap()
}

/// Opportunities whose windows end within the world: what a dataset can be made of.
fn mature(world: &World) -> Vec<Opportunity> {
    world
        .opportunities()
        .filter(|o| o.window_end() <= world.end())
        .collect()
}

fn bought(response: &Response) -> f64 {
    f64::from(u8::from(response.purchase_cents.is_some()))
}

fn amount(response: &Response) -> f64 {
    f64::from(response.purchase_cents.unwrap_or(0)) / 100.0
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Mean, and its standard error.
fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let m = mean(values);
    let variance = values.iter().map(|v| (v - m) * (v - m)).sum::<f64>() / (values.len() - 1) as f64;
    (m, (variance / values.len() as f64).sqrt())
}

/// E[Y | x, what was given], intent, ads and browsing averaged out.
fn expected(o: &Opportunity) -> f64 {
    let coupon = o
        .response
        .coupon
        .arm()
        .map_or(0.0, |arm| o.effects.of(arm).purchase_decision);
    let shipping = o.effects.of(Arm::FreeShipping).purchase_decision;
    o.nuisances.purchase_untreated + coupon + f64::from(u8::from(o.response.free_shipping)) * shipping
}

#[test]
fn forced_arms_differ_by_the_mean_true_effect() {
    let seed = 3;
    let opportunities = mature(&world(seed, 2_500));
    let low: Vec<_> = opportunities
        .iter()
        .filter(|o| o.features.price_sensitivity < 0.3)
        .collect();
    let high: Vec<_> = opportunities
        .iter()
        .filter(|o| o.features.price_sensitivity >= 0.3)
        .collect();
    for group in [low, high] {
        for arm in Arm::ALL {
            let (mut on_purchase, mut on_amount) = (Vec::new(), Vec::new());
            for o in &group {
                let truth = o.effects.of(arm);
                for replicate in 0..30 {
                    let given = o.imagine(seed, Intervention::give(arm), replicate);
                    let not = o.imagine(seed, Intervention::withhold(arm), replicate);
                    on_purchase.push(bought(&given) - bought(&not) - truth.purchase_decision);
                    on_amount.push(amount(&given) - amount(&not) - truth.purchase_amount);
                }
            }
            for differences in [on_purchase, on_amount] {
                let (error, std_error) = mean_and_error(&differences);
                assert!(error.abs() < 3.5 * std_error, "{arm:?}: {error} ± {std_error}");
            }
        }
    }
}

#[test]
fn nuisances_are_the_frequencies_of_what_happens() {
    let opportunities = mature(&world(4, 10_000));
    let checks: [fn(&Opportunity) -> f64; 6] = [
        |o| f64::from(u8::from(o.response.coupon == Coupon::None)) - o.nuisances.coupon[0],
        |o| f64::from(u8::from(o.response.coupon == Coupon::Five)) - o.nuisances.coupon[1],
        |o| f64::from(u8::from(o.response.coupon == Coupon::Ten)) - o.nuisances.coupon[2],
        |o| f64::from(u8::from(o.response.free_shipping)) - o.nuisances.free_shipping,
        |o| f64::from(u8::from(o.response.ad)) - o.nuisances.ad,
        |o| bought(&o.response) - expected(o),
    ];
    let slices: [fn(&Opportunity) -> bool; 5] = [
        |_| true,
        |o| o.features.price_sensitivity < 0.35,
        |o| (0.5..0.7).contains(&o.features.price_sensitivity),
        |o| o.features.avg_session_duration > 400.0,
        |o| o.features.location == Region::West,
    ];
    for (c, check) in checks.iter().enumerate() {
        for (s, slice) in slices.iter().enumerate() {
            let errors: Vec<f64> = opportunities.iter().filter(|o| slice(o)).map(check).collect();
            let (error, std_error) = mean_and_error(&errors);
            assert!(
                error.abs() < 3.5 * std_error,
                "check {c} slice {s}: {error} ± {std_error}"
            );
        }
    }
}

/// z of every coefficient of the decided arms, in the order of `Arm::DECIDED` and of the terms.
fn recovery_z(seed: u64) -> Vec<f64> {
    let opportunities = mature(&world(seed, 20_000));
    let given = |o: &Opportunity, arm: Arm| match arm {
        Arm::FreeShipping => o.response.free_shipping,
        _ => o.response.coupon.arm() == Some(arm),
    };
    let row = |o: &Opportunity| -> Vec<f64> {
        let x = &o.features;
        let basis = [
            1.0,
            x.price_sensitivity,
            x.avg_session_duration,
            x.session_frequency,
            x.historical_spend,
        ];
        let on = Arm::DECIDED.map(|arm| f64::from(u8::from(given(o, arm))));
        on.iter().flat_map(|on| basis.map(|b| on * b)).collect()
    };
    let rows: Vec<Vec<f64>> = opportunities.iter().map(row).collect();
    let y: Vec<f64> = opportunities
        .iter()
        .map(|o| bought(&o.response) - o.nuisances.purchase_untreated)
        .collect();
    let units: Vec<u32> = opportunities.iter().map(|o| o.user).collect();
    let fit = least_squares(&rows, &y, &units);
    let truths = Arm::DECIDED.into_iter().flat_map(|arm| coefficients(arm).terms());
    let estimates = fit.coefficients.iter().zip(&fit.std_errors);
    truths
        .zip(estimates)
        .map(|((_, truth), (c, e))| (c - truth) / e)
        .collect()
}

#[test]
fn regression_on_the_true_nuisances_recovers_every_coefficient() {
    // Seeds pooled: fifteen coefficients in one seed would now and then leave three errors by chance.
    let seeds = 8;
    let all: Vec<Vec<f64>> = (0..seeds).map(recovery_z).collect();
    for i in 0..15 {
        let pooled = all.iter().map(|z| z[i]).sum::<f64>() / (seeds as f64).sqrt();
        assert!(pooled.abs() < 3.0, "coefficient {i}: z = {pooled}");
    }
    let mean_square = all.iter().flatten().map(|z| z * z).sum::<f64>() / (15 * seeds) as f64;
    assert!((0.6..1.5).contains(&mean_square), "{mean_square}");
}

#[test]
fn confounding_bites_in_nearly_every_seed() {
    let mut missed = [0, 0];
    let mut bias_in_errors = 0.0;
    for seed in 0..20 {
        let opportunities = mature(&world(seed, 20_000));
        let outcomes = |coupon: Coupon| -> Vec<f64> {
            let rows = opportunities.iter().filter(|o| o.response.coupon == coupon);
            rows.map(|o| bought(&o.response)).collect()
        };
        let (control, control_error) = mean_and_error(&outcomes(Coupon::None));
        for (i, arm) in [Arm::Coupon10, Arm::Coupon5].into_iter().enumerate() {
            let coupon = if i == 0 { Coupon::Ten } else { Coupon::Five };
            let (treated, treated_error) = mean_and_error(&outcomes(coupon));
            let truths: Vec<f64> = opportunities
                .iter()
                .map(|o| o.effects.of(arm).purchase_decision)
                .collect();
            let z = (treated - control - mean(&truths)) / control_error.hypot(treated_error);
            missed[i] += usize::from(z.abs() > 1.96);
            if i == 0 {
                bias_in_errors += z / 20.0;
            }
        }
    }
    assert!(missed[0] >= 18 && missed[1] >= 18, "{missed:?}");
    assert!(bias_in_errors < -6.0, "{bias_in_errors}");
}

#[test]
fn a_straight_line_in_x_does_not_suffice() {
    let mut mean_z = 0.0;
    for seed in 20..24 {
        let opportunities = mature(&world(seed, 20_000));
        let rows: Vec<Vec<f64>> = opportunities
            .iter()
            .map(|o| {
                let x = &o.features;
                let on = |c: Coupon| f64::from(u8::from(o.response.coupon == c));
                vec![
                    on(Coupon::Ten),
                    on(Coupon::Five),
                    1.0,
                    x.price_sensitivity,
                    x.avg_session_duration,
                    x.session_frequency,
                    x.historical_spend,
                ]
            })
            .collect();
        let y: Vec<f64> = opportunities.iter().map(|o| bought(&o.response)).collect();
        let units: Vec<u32> = opportunities.iter().map(|o| o.user).collect();
        let fit = least_squares(&rows, &y, &units);
        let truths: Vec<f64> = opportunities
            .iter()
            .map(|o| o.effects.of(Arm::Coupon10).purchase_decision)
            .collect();
        mean_z += (fit.coefficients[0] - mean(&truths)) / fit.std_errors[0] / 4.0;
    }
    // Four seeds: a mean beyond 1.5 is three of its standard errors.
    assert!(mean_z < -1.5, "{mean_z}");
}

#[test]
fn intent_confounds_the_ad_and_browsing_carries_its_effect() {
    let opportunities = mature(&world(6, 20_000));
    let residuals: Vec<f64> = opportunities
        .iter()
        .map(|o| bought(&o.response) - expected(o))
        .collect();
    let units: Vec<u32> = opportunities.iter().map(|o| o.user).collect();
    let rows = |browsing: bool| -> Vec<Vec<f64>> {
        let row = |o: &Opportunity| {
            let centred = f64::from(u8::from(o.response.ad)) - o.nuisances.ad;
            let engaged = [o.features.avg_session_duration, o.features.session_frequency];
            let mut row = vec![1.0, centred, engaged[0], engaged[1]];
            if browsing {
                row.push(f64::from(o.response.browsing_s));
            }
            row
        };
        opportunities.iter().map(row).collect()
    };
    let truth = coefficients(Arm::Ad).intercept;
    let plain = least_squares(&rows(false), &residuals, &units);
    assert!(
        plain.coefficients[1] - truth > 3.0 * plain.std_errors[1],
        "adjusting for engagement is not enough"
    );
    let front_door = least_squares(&rows(true), &residuals, &units);
    let seconds: Vec<f64> = opportunities
        .iter()
        .map(|o| f64::from(o.response.browsing_s))
        .collect();
    let first_stage = least_squares(&rows(false), &seconds, &units).coefficients[1];
    let through = first_stage * front_door.coefficients[4];
    assert!(
        (through - truth).abs() < 3.0 * first_stage * front_door.std_errors[4],
        "{through} against {truth}"
    );
}

#[test]
fn effects_straddle_their_costs() {
    let opportunities = mature(&world(7, 5_000));
    for (arm, low, high, cost) in [
        (Arm::Coupon10, 0.12, 0.18, 0.10),
        (Arm::Coupon5, 0.06, 0.09, 0.05),
        (Arm::FreeShipping, 0.04, 0.06, 0.03),
    ] {
        let effects: Vec<f64> = opportunities
            .iter()
            .map(|o| o.effects.of(arm).purchase_decision)
            .collect();
        assert!(
            (low..high).contains(&mean(&effects)),
            "{arm:?}: {}",
            mean(&effects)
        );
        let below = effects.iter().filter(|e| **e < cost).count() as f64 / effects.len() as f64;
        assert!(
            (0.002..0.5).contains(&below),
            "{arm:?}: {below} lie below the cost"
        );
    }
}
