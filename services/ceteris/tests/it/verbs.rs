//! Verbs on real and small files: their documents, and what bad input is told.
#![allow(clippy::print_stdout, reason = "a test prints what it saw")]

use crate::support::{self, json, refused, root};
use serde_json::Value;

fn ecommerce() -> String {
    root()
        .join("deploy/problems/ecommerce.yaml")
        .display()
        .to_string()
}

#[test]
fn hillstrom_gives_the_published_effects() {
    let Some(data) = ceteris_testdata::file("hillstrom.csv.gz") else {
        return;
    };
    let problem = root().join("deploy/problems/hillstrom.yaml");
    let words = [
        "run",
        "--once",
        "--format",
        "json",
        "--problem",
        problem.to_str().unwrap(),
        "--data",
    ];
    let report = json(&[&words[..], &[data.to_str().unwrap()]].concat());
    let outcomes = report["outcomes"].as_array().unwrap();
    let names: Vec<&str> = outcomes.iter().map(|o| o["outcome"].as_str().unwrap()).collect();
    assert_eq!(names, ["visit", "conversion", "spend"]);
    let spend = outcomes[2]["arms"].as_array().unwrap();
    for (arm, estimate, std_error) in [("Womens E-Mail", 0.4244, 0.1303), ("Mens E-Mail", 0.7698, 0.1452)] {
        let found = spend.iter().find(|a| a["arm"] == arm).unwrap();
        let distance = found["estimate"].as_f64().unwrap() - estimate;
        assert!(distance.abs() < 0.25 * std_error, "{arm}: {found}");
        let error = found["std_error"].as_f64().unwrap();
        assert!(
            (0.9 * std_error..1.02 * std_error).contains(&error),
            "{arm}: {found}"
        );
    }
    assert!(
        report["model"]["version"]
            .as_str()
            .unwrap()
            .starts_with("hillstrom-")
    );
}

#[test]
fn identify_answers_from_a_problem_file_and_from_graph_text() {
    let words = [
        "identify",
        "--format",
        "json",
        "--graph",
        &ecommerce(),
        "--treatment",
    ];
    let ask = |treatment: &str| json(&[&words[..], &[treatment, "--outcome", "purchase_decision"]].concat());
    let coupon = ask("coupon_discount");
    assert_eq!(coupon["identifiable"], true);
    assert_eq!(coupon["strategy"], "backdoor");
    assert_eq!(
        coupon["adjustment_sets"][0],
        serde_json::json!(["price_sensitivity"])
    );
    let ad = ask("ad_exposure");
    assert_eq!(
        (ad["identifiable"].clone(), ad["adjustment_sets"].clone()),
        (Value::Bool(true), serde_json::json!([]))
    );
    assert_eq!(ad["mediators"], serde_json::json!(["browsing_time"]));

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bow.txt");
    std::fs::write(&file, "dag { X -> Y ; X <-> Y }").unwrap();
    let words = ["identify", "--format", "json", "--graph", file.to_str().unwrap()];
    let bow = json(&[&words[..], &["--treatment", "X", "--outcome", "Y"]].concat());
    assert_eq!(
        (bow["identifiable"].clone(), bow["estimand"].clone()),
        (Value::Bool(false), Value::Null)
    );
    assert!(!bow["witness"].is_null());
    let unknown = refused(&[&words[..], &["--treatment", "Q", "--outcome", "Y"]].concat());
    assert!(unknown.contains('Q'), "{unknown}");
}

#[test]
fn estimate_gives_the_reference_values() {
    let Some(nsw) = ceteris_testdata::file("nsw_dw.csv") else {
        return;
    };
    let folds = with_folds(&nsw);
    let words = [
        "estimate",
        "--format",
        "json",
        "--data",
        folds.path().to_str().unwrap(),
        "--outcome",
        "re78",
        "--treatment",
        "treat",
        "--covariates",
        "age,educ,black,hisp,marr,nodegree,re74,re75",
        "--fold-column",
        "fold",
    ];
    let found = json(&words);
    let close = |name: &str, reference: f64| {
        let value = found[name].as_f64().unwrap();
        assert!(
            (value / reference - 1.0).abs() < 1e-6,
            "{name}: {value} against {reference}"
        );
    };
    close("estimate", 1_679.460_786);
    close("std_error", 664.162_484);
    assert_eq!(found["identification"], "assumed");
}

/// The file with a column `fold` = row mod 5.
fn with_folds(file: &std::path::Path) -> tempfile::NamedTempFile {
    use std::io::Write;
    let text = std::fs::read_to_string(file).unwrap();
    let mut out = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
    for (row, line) in text.lines().enumerate() {
        let fold = if row == 0 {
            "fold".to_owned()
        } else {
            ((row - 1) % 5).to_string()
        };
        writeln!(out, "{line},{fold}").unwrap();
    }
    out
}

#[test]
fn shipped_problem_files_are_sound_and_a_broken_one_is_told_every_fault() {
    for name in ["ecommerce", "hillstrom"] {
        let file = root().join(format!("deploy/problems/{name}.yaml"));
        assert_eq!(
            json(&["problem", "check", "--format", "json", file.to_str().unwrap()])["ok"],
            true
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.yaml");
    let broken = std::fs::read_to_string(ecommerce())
        .unwrap()
        .replace("cart_viewed", "")
        .replace("washout: 7d", "washout: soon")
        .replace("weight: 100", "weight: much");
    std::fs::write(&file, broken).unwrap();
    let told = support::output(&["problem", "check", file.to_str().unwrap()]);
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    assert_eq!(told.status.code(), Some(2));
    assert!(
        text.lines().count() >= 3 && text.lines().all(|line| line.contains("line ")),
        "{text}"
    );
}

#[test]
fn bad_input_names_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let hillstrom = root()
        .join("deploy/problems/hillstrom.yaml")
        .display()
        .to_string();
    std::fs::write(at("short.csv"), "recency,history\n1,2\n").unwrap();
    std::fs::write(at("ragged.csv"), "a,b\n1,2\n3\n").unwrap();
    std::fs::write(at("words.csv"), "y,d,x\n1,0,2\nmany,1,3\n").unwrap();
    let run = ["run", "--once", "--problem", &hillstrom, "--data"];
    let cases: Vec<(Vec<&str>, &str)> = vec![
        (vec!["demo", "--users", "10"], "--users"),
        (vec!["problem", "check", "missing.yaml"], "missing.yaml"),
        (
            vec!["run", "--once", "--problem", "missing.yaml", "--data", "x.csv"],
            "missing.yaml",
        ),
        ([&run[..], &["missing.csv"]].concat(), "missing.csv"),
        (
            vec!["decisions", "--data-dir", "nowhere", "--out", "x.csv"],
            "nowhere",
        ),
        (vec!["model", "list", "--data-dir", "nowhere"], "nowhere"),
        (
            vec!["up", "--data-dir", "nowhere", "--frobnicate"],
            "--frobnicate",
        ),
    ];
    for (words, named) in cases {
        let told = refused(&words);
        assert!(told.contains(named), "{words:?}: {told}");
    }
    let (short, ragged, words) = (at("short.csv"), at("ragged.csv"), at("words.csv"));
    assert!(refused(&[&run[..], &[&short]].concat()).contains("treatment"));
    assert!(refused(&[&run[..], &[&ragged]].concat()).contains("ragged.csv"));
    let estimate = [
        "estimate",
        "--data",
        &words,
        "--outcome",
        "y",
        "--treatment",
        "d",
        "--covariates",
        "x",
    ];
    let told = refused(&estimate);
    assert!(told.contains("line 3") && told.contains('y'), "{told}");
    let nested = at("nested.txt");
    std::fs::write(&nested, format!("dag {{{}", "X{".repeat(100_000))).unwrap();
    let told = refused(&[
        "identify",
        "--graph",
        &nested,
        "--treatment",
        "X",
        "--outcome",
        "Y",
    ]);
    assert!(told.contains("nest"), "{told}");
}

#[test]
fn estimate_refuses_flags_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.csv");
    let rows: String = (0..40)
        .map(|i| format!("{},{},{},{}\n", i % 7, i % 2, i % 5, i % 3))
        .collect();
    std::fs::write(&file, format!("y,d,x,k\n{rows}")).unwrap();
    let words = ["estimate", "--data", file.to_str().unwrap(), "--outcome", "y"];
    let cases: [(&[&str], &str); 8] = [
        (&["--treatment", "y", "--covariates", "x"], "--treatment"),
        (&["--treatment", "d", "--covariates", "x,x"], "--covariates"),
        (&["--treatment", "d", "--covariates", "x", "--cf-y=-1"], "--cf-y"),
        (
            &["--treatment", "d", "--covariates", "x", "--cf-d", "nan"],
            "--cf-d",
        ),
        (
            &["--treatment", "d", "--covariates", "x", "--clip", "0.6"],
            "--clip",
        ),
        (
            &["--treatment", "d", "--covariates", "x", "--folds", "0"],
            "--folds",
        ),
        (
            &["--treatment", "k", "--covariates", "x", "--method", "irm"],
            "--treatment k",
        ),
        (
            &[
                "--treatment",
                "d",
                "--covariates",
                "x",
                "--learner-outcome",
                "logit",
            ],
            "--learner-outcome",
        ),
    ];
    for (flags, named) in cases {
        let told = refused(&[&words[..], flags].concat());
        assert!(told.contains(named), "{flags:?}: {told}");
    }
}
