//! What learners need: straight lines cannot fit the nuisances, additive natural splines with pairwise products can.

use super::least_squares::least_squares;
use ceteris_synth::ecommerce::{Opportunity, Region, World, WorldConfig};

fn opportunities() -> Vec<Opportunity> {
    let (seed, users, days) = (8, 4_000, 70);
    World::new(WorldConfig { seed, users, days })
        .unwrap()
        .opportunities()
        .collect()
}

/// Price sensitivity, session duration in units of five minutes, sessions in tens.
fn modifiers(o: &Opportunity) -> [f64; 3] {
    let x = &o.features;
    [
        x.price_sensitivity,
        x.avg_session_duration / 300.0,
        x.session_frequency / 10.0,
    ]
}

fn regions(o: &Opportunity) -> Vec<f64> {
    let one = |region: &Region| f64::from(u8::from(*region == o.features.location));
    Region::ALL[1..].iter().map(one).collect()
}

fn line(o: &Opportunity) -> Vec<f64> {
    [vec![1.0], modifiers(o).to_vec(), regions(o)].concat()
}

fn splines(all: &[Opportunity]) -> impl Fn(&Opportunity) -> Vec<f64> {
    let knots = [(0, 5), (1, 5), (2, 4)]
        .map(|(i, count)| quantile_knots(all.iter().map(|o| modifiers(o)[i]).collect(), count));
    move |o| {
        let [s, d, f] = modifiers(o);
        let curves = [s, d, f]
            .into_iter()
            .zip(&knots)
            .flat_map(|(x, k)| natural_spline(x, k));
        let mut row = vec![1.0, s * d, s * f, d * f];
        row.extend(curves);
        row.extend(regions(o));
        row
    }
}

/// Natural cubic spline basis without the constant (Hastie, Tibshirani, Friedman 2009, eq. 5.4), one column fewer
/// than knots.
fn natural_spline(x: f64, knots: &[f64]) -> Vec<f64> {
    let last = knots.len() - 1;
    let cube = |knot: f64| (x - knot).max(0.0).powi(3);
    let bend = |k: usize| (cube(knots[k]) - cube(knots[last])) / (knots[last] - knots[k]);
    let bends = (0..last - 1).map(|k| bend(k) - bend(last - 1));
    std::iter::once(x).chain(bends).collect()
}

/// `count` knots at evenly spaced quantiles from .05 to .95.
fn quantile_knots(mut values: Vec<f64>, count: usize) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    let quantile = |i: usize| 0.05 + 0.9 * i as f64 / (count - 1) as f64;
    (0..count)
        .map(|i| values[(quantile(i) * (values.len() - 1) as f64) as usize])
        .collect()
}

/// Share of the variance of `target` that least squares on `row` leaves.
fn left_over(
    all: &[Opportunity],
    row: impl Fn(&Opportunity) -> Vec<f64>,
    target: impl Fn(&Opportunity) -> f64,
) -> f64 {
    let rows: Vec<Vec<f64>> = all.iter().map(row).collect();
    let y: Vec<f64> = all.iter().map(target).collect();
    let units: Vec<u32> = all.iter().map(|o| o.user).collect();
    let fit = least_squares(&rows, &y, &units);
    let fitted = |row: &Vec<f64>| row.iter().zip(&fit.coefficients).map(|(a, b)| a * b).sum::<f64>();
    let mean = y.iter().sum::<f64>() / y.len() as f64;
    let left: f64 = rows
        .iter()
        .zip(&y)
        .map(|(row, y)| (y - fitted(row)).powi(2))
        .sum();
    left / y.iter().map(|y| (y - mean).powi(2)).sum::<f64>()
}

#[test]
fn splines_fit_the_nuisances_and_lines_do_not() {
    let all = opportunities();
    let log_odds = |arm: usize| move |o: &Opportunity| (o.nuisances.coupon[arm] / o.nuisances.coupon[0]).ln();
    let targets: [(&str, Box<dyn Fn(&Opportunity) -> f64>); 4] = [
        ("purchase", Box::new(|o| o.nuisances.purchase_untreated)),
        ("coupon 5", Box::new(log_odds(1))),
        ("coupon 10", Box::new(log_odds(2))),
        (
            "free shipping",
            Box::new(|o| {
                let p = o.nuisances.free_shipping;
                (p / (1.0 - p)).ln()
            }),
        ),
    ];
    for (name, target) in targets {
        let by_line = left_over(&all, line, &target);
        let by_splines = left_over(&all, splines(&all), &target);
        assert!(by_line > 0.02, "{name}: a line leaves only {by_line}");
        assert!(by_splines < 0.01, "{name}: splines leave {by_splines}");
        assert!(
            by_splines < 0.1 * by_line,
            "{name}: {by_splines} against {by_line}"
        );
    }
}
