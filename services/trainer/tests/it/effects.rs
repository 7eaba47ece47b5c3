//! Training on data whose truth is known: effects are recovered with their errors, row weights and repeated units count,
//! arms without rows are left out, logged rows are not read, a fit can be stopped, threads do not matter.

#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;
use std::sync::Mutex;

use ceteris_contract::dataset::{Assignment, Column, Dataset};
use ceteris_contract::identity::UnitKey;
use ceteris_contract::manifest::{BasisTerm, ServedEffect};
use ceteris_contract::problem::Problem;
use ceteris_contract::time::Timestamp;
use ceteris_estimate::{Progress, unwatched};
use ceteris_stats::uniform;
use ceteris_trainer::{TrainError, TrainOptions, Trained, train};

const PROBLEM: &str = "
problem: shop
source: table
graph:
  nodes:
    offer: { role: treatment }
    sale: { role: outcome }
    visits: { role: outcome }
    taste: { role: confounder, measured_by: [taste] }
    past: { role: effect_modifier, measured_by: [past, town] }
  edges:
    - taste -> {offer, sale, visits}
    - past -> {sale, visits}
    - offer -> {sale, visits}
features:
  taste: {}
  past: {}
  town: { kind: categorical }
treatments:
  offer:
    column: offer
    control: none
    arms: { small: { cost: 1 }, large: { cost: 2 }, rare: { cost: 3 } }
outcomes:
  sale: { primary: true, weight: 1 }
  visits: {}
effect_basis: [taste, town]
gates: { rows_per_arm_min: 50 }
";

const N: usize = 6000;

/// True effects of small and large on sale: 1 + 2 taste, and 3 in Bern, 4 in Rome.
fn tau(arm: usize, taste: f64, rome: bool) -> f64 {
    match arm {
        1 => 1.0 + 2.0 * taste,
        2 => 3.0 + f64::from(u8::from(rome)),
        _ => 0.0,
    }
}

/// Rows come from a population in which those of little taste are kept with probability 1/2, so they weigh 2. Each unit
/// has two rows. Taste drives both offer and sale, the latter not in a straight line; some of `past` is missing.
fn data() -> Dataset {
    let mut rows = Dataset::default();
    let (mut taste, mut past, mut town) = (Vec::new(), Vec::new(), Vec::new());
    let (mut offer, mut sale, mut visits) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..N as u64 {
        let draw = |salt: u64| uniform(3, &i.to_le_bytes(), salt);
        let shared = |salt: u64| uniform(4, &(i / 2).to_le_bytes(), salt);
        let x = draw(1);
        if x < 0.4 && draw(2) < 0.5 {
            continue;
        }
        let (rome, p) = (draw(3) < 0.5, draw(4));
        let chance = [0.0, 0.15 + 0.4 * x, 0.2];
        let u = draw(5);
        let arm = if u < chance[1] {
            1
        } else if u < chance[1] + chance[2] {
            2
        } else {
            0
        };
        let noise = draw(6) + draw(7) + shared(8) - 1.5;
        let base = 6.0 * (x - 0.5) * x.abs() + (4.0 * p).sin();
        let mut key = [0; 16];
        key[..8].copy_from_slice(&(i / 2).to_be_bytes());
        rows.unit.push(UnitKey(key));
        rows.t.push(Timestamp(i as i64));
        rows.source.push(i.to_string());
        rows.assignment.push(Assignment::Observed);
        rows.weight.push(if x < 0.4 { 2.0 } else { 1.0 });
        taste.push(x);
        past.push(if draw(9) < 0.1 { f64::NAN } else { p });
        town.push(Some(if rome { "Rome" } else { "Bern" }.to_owned()));
        offer.push([None, Some("small"), Some("large")][arm].map(str::to_owned));
        sale.push(base + tau(arm, x, rome) + noise);
        visits.push(base + 0.5 * f64::from(u8::from(arm > 0)) + draw(10));
    }
    for arm in offer.iter_mut().take(3) {
        *arm = Some("rare".to_owned());
    }
    rows.columns = vec![
        ("confounder_taste".into(), Column::Number(taste)),
        ("confounder_past".into(), Column::Number(past)),
        ("confounder_town".into(), Column::Text(town)),
        ("treatment_offer".into(), Column::Text(offer)),
        ("outcome_sale".into(), Column::Number(sale)),
        ("outcome_visits".into(), Column::Number(visits)),
    ];
    rows
}

fn problem() -> Problem {
    Problem::from_yaml(PROBLEM).unwrap_or_else(|f| panic!("{f:#?}"))
}

fn options() -> TrainOptions {
    TrainOptions {
        seed: 1,
        folds: 5,
        now: Timestamp(0),
        as_of: None,
        lake_versions: Default::default(),
    }
}

fn trained(data: &Dataset) -> Trained {
    train(&problem(), data, &options(), &unwatched).unwrap()
}

fn effect<'a>(model: &'a Trained, arm: &str, outcome: &str) -> &'a ServedEffect {
    model
        .manifest
        .what
        .effects
        .iter()
        .find(|e| e.arm == arm && e.outcome == outcome)
        .unwrap()
}

/// tau(x) and its standard error as a server computes them.
fn at(model: &Trained, effect: &ServedEffect, taste: f64, town: &str) -> (f64, f64) {
    let phi: Vec<f64> = model
        .manifest
        .what
        .effect_basis
        .iter()
        .map(|term| match term {
            BasisTerm::Intercept => 1.0,
            BasisTerm::Standardised {
                feature,
                center,
                scale,
            } if feature == "taste" => (taste - center) / scale,
            BasisTerm::Standardised { .. } => panic!("another number"),
            BasisTerm::Level { level, .. } => f64::from(u8::from(level == town)),
        })
        .collect();
    let (beta, cov) = (&model.arrays[&effect.beta()], &model.arrays[&effect.cov()]);
    let q = phi.len();
    assert_eq!(
        (beta.shape.as_slice(), cov.shape.as_slice()),
        ([q].as_slice(), [q, q].as_slice())
    );
    let tau = phi.iter().zip(&beta.data).map(|(p, b)| p * b).sum();
    let variance: f64 = (0..q * q).map(|k| phi[k / q] * cov.data[k] * phi[k % q]).sum();
    (tau, variance.sqrt())
}

#[test]
fn known_effects_are_recovered_and_the_naive_difference_is_not() {
    let data = data();
    let model = trained(&data);
    let taste = data.numbers("confounder_taste").unwrap();
    let town = data.texts("confounder_town").unwrap();
    let total: f64 = data.weight.iter().sum();
    for (position, arm) in [(1, "small"), (2, "large")] {
        let found = effect(&model, arm, "sale");
        let truth: f64 = (0..data.len())
            .map(|i| data.weight[i] * tau(position, taste[i], town[i].as_deref() == Some("Rome")))
            .sum::<f64>()
            / total;
        let z = (found.estimate - truth) / found.std_error;
        assert!(z.abs() < 3.0, "{arm}: {} against {truth}, z {z}", found.estimate);
        assert!(found.std_error < 0.1 && found.ci[0] < truth && truth < found.ci[1]);
        for (x, place) in [(0.1, "Bern"), (0.5, "Rome"), (0.9, "Rome")] {
            let (tau_hat, error) = at(&model, found, x, place);
            let z = (tau_hat - tau(position, x, place == "Rome")) / error;
            assert!(z.abs() < 3.5, "{arm} at {x} in {place}: {tau_hat} ± {error}");
        }
    }
    let small = effect(&model, "small", "sale");
    assert!(
        small.naive_ci[0] > small.estimate,
        "confounding does not bite: {:?}",
        small.naive_ci
    );
    let visits = effect(&model, "large", "visits");
    assert!((visits.estimate - 0.5).abs() < 3.0 * visits.std_error);
    let fit = &model.manifest.what.diagnostics["offer/sale+visits"];
    assert!(
        fit["nuisances"]["outcome_r_squared_by_outcome_and_arm"][0][0]
            .as_f64()
            .unwrap()
            > 0.4
    );
    assert!(
        fit["balance"]["standardised_difference_max_after"].as_f64()
            < fit["balance"]["standardised_difference_max_before"].as_f64()
    );
    assert!(model.manifest.verify(&model.arrays));
    let pinned = &model.manifest.what.problem_model_digest;
    assert_eq!(*pinned, problem().model_digest());
    let judged_by = model.manifest.provenance.operation_digest.as_deref();
    assert_eq!(judged_by, Some(problem().operation_digest().as_str()));
    let names: Vec<&str> = model
        .manifest
        .what
        .features
        .iter()
        .map(|f| f.name.as_str())
        .collect();
    assert_eq!(names, ["taste", "town"]);
}

#[test]
fn an_arm_with_too_few_rows_is_left_out_and_the_others_are_promoted() {
    let model = trained(&data());
    let what = &model.manifest.what;
    assert!(what.effects.iter().all(|e| e.arm != "rare"));
    assert_eq!(what.effects.len(), 4);
    let left: Vec<(&str, &str)> = what
        .not_served
        .iter()
        .map(|n| (n.outcome.as_str(), n.reason.as_str()))
        .collect();
    assert_eq!(left, [("sale", "too_few_rows"), ("visits", "too_few_rows")]);
    assert_eq!(what.not_served[0].witness["rows"], 3);
    assert!(!what.gates["rows_per_arm/offer/rare"].passed);
    assert_eq!(model.failed_gates(), Vec::<String>::new());
    assert_eq!(what.gates["effects_served"].value, 2.0);
}

#[test]
fn logged_rows_are_not_read() {
    let data = data();
    let mut more = data.select(&(0..data.len()).chain(0..200).collect::<Vec<_>>());
    for row in data.len()..more.len() {
        more.assignment[row] = Assignment::Logged;
        more.weight[row] = 50.0;
    }
    more.columns
        .push(("propensity_offer".into(), Column::Number(vec![0.5; more.len()])));
    let model = trained(&more);
    assert_eq!(model.arrays, trained(&data).arrays);
    // The manifest names the dataset that was given, and counts the rows that were read.
    assert_eq!(model.manifest.what.dataset_digest, more.digest());
    assert_eq!(model.manifest.what.rows, data.len() as u64);
}

#[test]
fn threads_and_repetition_give_the_same_bits_and_seeds_do_not() {
    let data = data();
    let in_pool = |threads: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| train(&problem(), &data, &TrainOptions { seed, ..options() }, &unwatched))
            .unwrap()
    };
    let one = in_pool(1, 1);
    assert_eq!(in_pool(3, 1), one);
    assert_ne!(in_pool(1, 2).manifest.digest, one.manifest.digest);
    let later = TrainOptions {
        now: Timestamp(9),
        ..options()
    };
    let later = train(&problem(), &data, &later, &unwatched).unwrap();
    assert_eq!(later.manifest.digest, one.manifest.digest);
}

#[test]
fn progress_is_told_to_the_end_and_a_fit_can_be_stopped() {
    let seen = Mutex::new(Vec::new());
    let watch = |step: Progress| {
        seen.lock().unwrap().push(step);
        ControlFlow::Continue(())
    };
    train(&problem(), &data(), &options(), &watch).unwrap();
    let seen = seen.into_inner().unwrap();
    let most = seen.iter().map(|p| p.done).max().unwrap();
    assert!(
        seen.iter().all(|p| p.total == seen.len()) && most == seen.len(),
        "{most} of {:?}",
        seen.first()
    );
    let stopped = train(&problem(), &data(), &options(), &|_| ControlFlow::Break(()));
    assert!(
        matches!(&stopped, Err(TrainError::Scores { source, .. }) if source.is_interrupted()),
        "{stopped:?}"
    );
}

#[test]
fn data_that_cannot_be_trained_on_are_refused_with_every_fault() {
    let mut bad = data();
    for (_, column) in &mut bad.columns[4..] {
        if let Column::Number(values) = column {
            values[0] = f64::NAN;
        }
    }
    let Err(TrainError::Gate { faults }) = train(&problem(), &bad, &options(), &unwatched) else {
        panic!()
    };
    assert_eq!(faults.len(), 2);
    let confounded = PROBLEM.replace(
        "- past -> {sale, visits}",
        "- past -> {sale, visits}\n    - offer <-> sale\n    - offer <-> visits",
    );
    let problem = Problem::from_yaml(&confounded).unwrap_or_else(|f| panic!("{f:#?}"));
    let refused = train(&problem, &data(), &options(), &unwatched);
    let Err(TrainError::NothingIdentified { reasons }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(reasons.len(), 2);
    // The witness is named, not only the verdict.
    assert!(
        reasons[0].contains("form a hedge with roots {sale}"),
        "{reasons:?}"
    );
}
