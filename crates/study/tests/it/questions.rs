//! Questions: what contradicts itself is refused by name, a claim is proved by a graph, and reports read as sentences.

use std::ops::ControlFlow;

use ceteris_estimate::unwatched;
use ceteris_graph::Graph;
use ceteris_study::{
    AssumedOrProven, DoseQuestion, EffectQuestion, EffectRows, EstimateQuestion, FitQuestion, Method,
    StudyError, estimate, fit_effects,
};
use ceteris_table::Table;

fn small() -> Table {
    Table::from_csv(&include_bytes!("data/small.csv")[..]).unwrap()
}

fn coupon() -> EstimateQuestion {
    EstimateQuestion {
        outcome: "y".to_owned(),
        treatment: "d".to_owned(),
        covariates: vec!["x1".to_owned(), "x2".to_owned()],
        ..EstimateQuestion::default()
    }
}

#[test]
fn fields_out_of_range_are_refused_by_the_name_the_command_line_gives_them() {
    let dose = |dose: DoseQuestion| EstimateQuestion {
        treatment: "dose".to_owned(),
        method: Method::Dose,
        dose,
        ..coupon()
    };
    for (question, told) in [
        (
            EstimateQuestion { folds: 1, ..coupon() },
            "--folds takes at least 2",
        ),
        (
            EstimateQuestion {
                repeats: 1001,
                ..coupon()
            },
            "--repeats 1001: give at most 1000",
        ),
        (
            EstimateQuestion {
                clip: 0.5,
                ..coupon()
            },
            "--clip 0.5: give a propensity from 0 to below 0.5",
        ),
        (
            EstimateQuestion {
                method: Method::Pliv,
                ..coupon()
            },
            "--instrument: pliv needs one",
        ),
        (
            EstimateQuestion {
                covariates: Vec::new(),
                ..coupon()
            },
            "--covariates: name at least one column",
        ),
        (
            EstimateQuestion {
                outcome: "d".to_owned(),
                ..coupon()
            },
            "--treatment d: is the outcome too",
        ),
        (
            dose(DoseQuestion {
                knots: Some(2),
                ..DoseQuestion::default()
            }),
            "--dose-knots 2: give from 3 to 20",
        ),
        (
            dose(DoseQuestion {
                at: vec![-1.0],
                ..DoseQuestion::default()
            }),
            "--at -1: no such dose was seen",
        ),
    ] {
        let error = estimate(&question, &small(), None, &unwatched)
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(told), "{error}");
    }
    let rows = EffectQuestion {
        outcome: "y".to_owned(),
        treatment: "y".to_owned(),
        covariates: vec!["x1".to_owned()],
        ..EffectQuestion::default()
    };
    let error = EffectRows::read(&rows, &small()).unwrap_err().to_string();
    assert!(error.starts_with("--treatment y: is the outcome too"), "{error}");
    let trees = FitQuestion {
        trees: 5,
        ..FitQuestion::default()
    };
    let error = fit_effects(&trees, &small(), &unwatched).unwrap_err().to_string();
    assert!(
        error.starts_with("--trees 5: give an even number from 4"),
        "{error}"
    );
}

#[test]
fn columns_and_rows_that_are_not_there_are_told() {
    let unknown = EstimateQuestion {
        outcome: "sales".to_owned(),
        ..coupon()
    };
    let error = estimate(&unknown, &small(), None, &unwatched)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("--outcome: column sales: the file has no such column"),
        "{error}"
    );
    let empty = Table::from_csv("y,d,x1,x2\n".as_bytes()).unwrap();
    assert!(matches!(
        estimate(&coupon(), &empty, None, &unwatched),
        Err(StudyError::NoRows)
    ));
}

#[test]
fn a_graph_proves_the_claim_or_says_why_not() {
    let proves = Graph::parse("dag { x1 -> d; x2 -> d; d -> y; x1 -> y; x2 -> y }").unwrap();
    let report = estimate(&coupon(), &small(), Some(&proves), &unwatched).unwrap();
    assert!(matches!(report.identification, AssumedOrProven::Conditioning(_)));
    let proof = report.identification.proof().unwrap();
    assert!(
        report.to_string().ends_with(&format!("identification: {proof}")),
        "{report}"
    );
    let hidden = Graph::parse("dag { x1 -> d; x2 -> d; d -> y; x1 -> y; x2 -> y; d <-> y }").unwrap();
    let error = estimate(&coupon(), &small(), Some(&hidden), &unwatched)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("--covariates do not identify the effect in the graph"),
        "{error}"
    );
}

#[test]
fn a_report_reads_as_sentences() {
    let report = estimate(&coupon(), &small(), None, &unwatched).unwrap();
    let text = report.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("overlap-weighted partially linear coefficient of d on y: 0."),
        "{text}"
    );
    assert!(lines[0].ends_with("n = 300"), "{text}");
    assert!(
        lines[1].starts_with("a hidden confounder would have to explain "),
        "{text}"
    );
    assert!(
        lines[2].starts_with("flag: heavy_tail (one unit carries much of the error"),
        "{text}"
    );
    assert_eq!(
        lines[3],
        "identification: assumed; the covariates are your claim (give --graph to prove them)"
    );
}

#[test]
fn a_watch_may_stop_a_fit() {
    let stop = |_| ControlFlow::Break(());
    let stopped = estimate(&coupon(), &small(), None, &stop);
    assert!(
        matches!(&stopped, Err(StudyError::Fit(error)) if error.is_interrupted()),
        "{stopped:?}"
    );
}
