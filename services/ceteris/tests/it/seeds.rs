//! The demo against the known truth over seeds. A short form by default; the long profile is
//! `CETERIS_SEEDS=20 CETERIS_SEEDS_USERS=20000` (`just seeds`), whose table stands in `benches/README.md`.
#![allow(clippy::print_stdout, reason = "a test prints what it saw")]

use ceteris_stats::{binomial_band, chi_square_quantile};
use serde_json::Value;

use crate::support;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect(name))
}

fn number(report: &Value, path: &str) -> f64 {
    report
        .pointer(path)
        .and_then(Value::as_f64)
        .unwrap_or_else(|| panic!("{path} in {report}"))
}

/// True where the interval at `path` holds the truth.
fn holds(report: &Value, path: &str) -> bool {
    let truth = number(report, "/ate/truth");
    (number(report, &format!("{path}/0"))..=number(report, &format!("{path}/1"))).contains(&truth)
}

#[test]
fn the_demo_finds_the_truth_over_seeds() {
    let _alone = support::alone();
    let (seeds, users) = (setting("CETERIS_SEEDS", 3), setting("CETERIS_SEEDS_USERS", 4_000));
    let reports: Vec<Value> = (1..=seeds)
        .map(|seed| {
            let words = [
                "demo",
                "--once",
                "--format",
                "json",
                "--users",
                &users.to_string(),
                "--seed",
                &seed.to_string(),
            ];
            let report = support::json(&words);
            print_row(&report);
            report
        })
        .collect();
    let count = |of: fn(&Value) -> bool| reports.iter().filter(|report| of(report)).count() as f64;
    let covered = count(|report| holds(report, "/ate/ci")) / seeds as f64;
    let [low, _] = binomial_band(seeds, 0.95, 0.99);
    assert!(
        covered >= low,
        "the average effect's interval held the truth in a share of {covered}, {low} is the least"
    );
    for report in &reports {
        let width = number(report, "/ate/ci/1") - number(report, "/ate/ci/0");
        assert!(
            width <= number(report, "/ate/truth").abs() * if users < 20_000 { 2.0 } else { 1.0 },
            "{report}"
        );
        assert_eq!(
            report["decisions"]["answered"], report["decisions"]["stored"],
            "{report}"
        );
        assert!(number(report, "/decisions/answered") >= 1000.0);
        assert!(
            number(report, "/decisions/mean_effect_true_of_recommended") > 0.05,
            "{report}"
        );
    }
    let wald: f64 = reports
        .iter()
        .map(|report| number(report, "/coefficients/wald"))
        .sum();
    let df: f64 = reports
        .iter()
        .map(|report| number(report, "/coefficients/df"))
        .sum();
    let (least, most) = (chi_square_quantile(0.005, df), chi_square_quantile(0.995, df));
    println!("wald {wald:.1} on {df} degrees of freedom, 99 % band [{least:.1}, {most:.1}]");
    assert!((least..=most).contains(&wald));
    let coverage = reports
        .iter()
        .map(|report| number(report, "/units/coverage"))
        .sum::<f64>()
        / seeds as f64;
    let misled = count(|report| !holds(report, "/naive/ci"));
    println!(
        "covered {covered}, mean unit coverage {coverage:.3}, the difference in means missed {misled} of {seeds}"
    );
    if seeds >= 20 {
        assert!(
            (0.89..=0.995).contains(&coverage),
            "mean unit coverage {coverage}"
        );
        assert!(
            misled >= 0.9 * seeds as f64,
            "the difference in means missed the truth in {misled} of {seeds}"
        );
    } else {
        // One seed's unit coverage varies widely, for its units share coefficients.
        assert!(coverage > 0.5, "mean unit coverage {coverage}");
    }
}

fn print_row(report: &Value) {
    println!(
        "| {} | {} | {:.4} | [{:.4}, {:.4}] | {:.4} | {:.4} [{:.4}, {:.4}] | {:.3} | {:.2} |",
        report["seed"],
        report["dataset"]["rows"],
        number(report, "/ate/estimate"),
        number(report, "/ate/ci/0"),
        number(report, "/ate/ci/1"),
        number(report, "/ate/truth"),
        number(report, "/naive/estimate"),
        number(report, "/naive/ci/0"),
        number(report, "/naive/ci/1"),
        number(report, "/units/coverage"),
        number(report, "/coefficients/wald"),
    );
}
