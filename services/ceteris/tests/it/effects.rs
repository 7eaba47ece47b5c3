//! Effects per unit from a table: learned, asked of fresh rows, judged.

use std::fmt::Write;
use std::path::Path;

use crate::support::{json, refused};
use serde_json::Value;

/// A seeded uniform number.
fn uniform(row: usize, what: u64) -> f64 {
    ceteris_stats::uniform(11, &(row as u64).to_le_bytes(), what)
}

/// Rows of two arms beside none, with a true effect of 2 x1 for one and −1 for the other; x2 is text, sometimes missing.
fn table(path: &Path, from: usize, rows: usize) {
    let mut text = String::from("arm,y,x1,x2,true_a,true_b\n");
    for row in from..from + rows {
        let (x1, noise) = (uniform(row, 1), uniform(row, 2) - 0.5);
        let arm = ["none", "a", "b"][(3.0 * uniform(row, 3)) as usize];
        let x2 = ["", "left", "right"][(3.0 * uniform(row, 4)) as usize];
        let tau = match arm {
            "a" => 2.0 * x1,
            "b" => -1.0,
            _ => 0.0,
        };
        writeln!(text, "{arm},{},{x1},{x2},{},-1", x1 + tau + noise, 2.0 * x1).unwrap();
    }
    std::fs::write(path, text).unwrap();
}

fn column(path: &Path, name: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let at = reader.headers().unwrap().iter().position(|h| h == name).unwrap();
    reader.records().map(|r| r.unwrap()[at].to_owned()).collect()
}

fn numbers(path: &Path, name: &str) -> Vec<f64> {
    column(path, name).iter().map(|v| v.parse().unwrap()).collect()
}

const ROWS: [&str; 8] = [
    "--outcome",
    "y",
    "--treatment",
    "arm",
    "--control",
    "none",
    "--covariates",
    "x1,x2",
];

#[test]
fn every_learner_answers_each_row_in_order_and_is_judged_by_the_truth() {
    let folder = tempfile::tempdir().unwrap();
    let (train, fresh) = (folder.path().join("train.csv"), folder.path().join("fresh.csv"));
    table(&train, 0, 1500);
    table(&fresh, 5000, 600);
    let (train, fresh_name) = (train.to_str().unwrap(), fresh.to_str().unwrap());
    for learner in ["linear", "forest", "dr", "r", "x", "t", "s"] {
        let model = folder.path().join(learner);
        let out = folder.path().join(format!("{learner}.csv"));
        let (model, out_name) = (model.to_str().unwrap(), out.to_str().unwrap());
        let fit = [
            "fit-effect",
            "--format",
            "json",
            "--data",
            train,
            "--learner",
            learner,
        ];
        let fit = json(&[&fit[..], &ROWS, &["--trees", "100", "--out", model]].concat());
        assert_eq!(fit["arms"], serde_json::json!(["a", "b"]));
        let asked = [
            "effect", "--format", "json", "--model", model, "--data", fresh_name, "--out", out_name,
        ];
        assert_eq!(json(&asked)["rows"], 600);
        let (a, b) = (numbers(&out, "a.effect"), numbers(&out, "b.effect"));
        let truth = numbers(&fresh, "true_a");
        let rmse = |found: &[f64], truth: &dyn Fn(usize) -> f64| {
            let squares: f64 = found
                .iter()
                .enumerate()
                .map(|(i, f)| (f - truth(i)).powi(2))
                .sum();
            (squares / found.len() as f64).sqrt()
        };
        // The effect of a varies with a standard deviation of 0.58.
        let (of_a, of_b) = (rmse(&a, &|i| truth[i]), rmse(&b, &|_| -1.0));
        assert!(of_a < 0.3 && of_b < 0.3, "{learner}: {of_a} {of_b}");
        let errors = column(&out, "a.std_error");
        let bare = matches!(learner, "x" | "s");
        assert!(errors.iter().all(|e| e.is_empty() == bare), "{learner}");
        let judge = [
            "evaluate",
            "--format",
            "json",
            "--effects",
            out_name,
            "--data",
            fresh_name,
        ];
        let found = json(&[&judge[..], &ROWS, &["--truth", "true_a,true_b"]].concat());
        let arm = &found["arms"][0];
        assert!((arm["truth"]["pehe"].as_f64().unwrap() - of_a).abs() < 1e-9);
        assert_eq!(arm["truth"]["coverage"].is_null(), bare, "{learner}");
        let (area, error) = (
            arm["autoc"]["estimate"].as_f64().unwrap(),
            arm["autoc"]["std_error"].as_f64().unwrap(),
        );
        assert!(area > 3.0 * error && error > 0.0, "{learner}: {arm}");
        assert!(found["r_score"].as_f64().unwrap() > 0.2, "{learner}: {found}");
        // Treating with a where it helps is worth E[2 x1] = 1 a row; b does harm, and no rule that knows gives it.
        let policy = &found["policy"];
        let (gain, error) = (
            policy["gain"]["estimate"].as_f64().unwrap(),
            policy["gain"]["std_error"].as_f64().unwrap(),
        );
        assert!((gain - 1.0).abs() < 0.1 + 3.0 * error, "{learner}: {policy}");
        assert!(
            policy["shares"]["b"].as_f64().unwrap() < 0.02,
            "{learner}: {policy}"
        );
        assert_eq!(policy["best_for_all"]["arm"], "a");
    }
}

#[test]
fn the_learner_whose_form_is_right_is_chosen_by_held_out_rows_and_its_rivals_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (train, model) = (folder.path().join("train.csv"), folder.path().join("model"));
    table(&train, 0, 1200);
    let words = [
        "fit-effect",
        "--format",
        "json",
        "--data",
        train.to_str().unwrap(),
        "--learner",
        "auto",
    ];
    let out = ["--trees", "50", "--folds", "3", "--out", model.to_str().unwrap()];
    let found = json(&[&words[..], &ROWS, &out].concat());
    let scores: Vec<f64> = found["compared"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["r_score"].as_f64().unwrap())
        .collect();
    assert_eq!(scores.len(), 7);
    assert!(scores.windows(2).all(|pair| pair[0] >= pair[1]), "{scores:?}");
    assert_eq!(found["learner"], found["compared"][0]["learner"]);
    // The effects are linear in x1.
    assert!(
        ["linear", "r"].contains(&found["learner"].as_str().unwrap()),
        "{found}"
    );
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(model.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["what"]["compared"], found["compared"]);
}

#[test]
fn a_forest_of_two_thousand_trees_for_four_thousand_rows_is_small() {
    let folder = tempfile::tempdir().unwrap();
    let (train, model) = (folder.path().join("train.csv"), folder.path().join("model"));
    let mut text = String::from("d,y,x1,x2,x3,x4,x5,x6,x7,x8,x9,x10\n");
    for row in 0..4000 {
        let x: Vec<f64> = (0..10).map(|j| uniform(row, 10 + j)).collect();
        let d = u8::from(uniform(row, 1) < 0.3 + 0.4 * x[0]);
        let y = x[2] + f64::from(d) * (x[1] - 0.5).max(0.0) + uniform(row, 2);
        let x: Vec<String> = x.iter().map(f64::to_string).collect();
        writeln!(text, "{d},{y},{}", x.join(",")).unwrap();
    }
    std::fs::write(&train, text).unwrap();
    let words = [
        "fit-effect",
        "--format",
        "json",
        "--data",
        train.to_str().unwrap(),
        "--learner",
        "forest",
    ];
    let rows = [
        "--outcome",
        "y",
        "--treatment",
        "d",
        "--covariates",
        "x1,x2,x3,x4,x5,x6,x7,x8,x9,x10",
    ];
    json(
        &[
            &words[..],
            &rows,
            &["--trees", "2000", "--out", model.to_str().unwrap()],
        ]
        .concat(),
    );
    let bytes: u64 = std::fs::read_dir(&model)
        .unwrap()
        .map(|f| f.unwrap().metadata().unwrap().len())
        .sum();
    assert!((1_000_000..20_000_000).contains(&bytes), "{bytes} bytes");
    // A model is written once.
    let again = [
        &words[..],
        &rows,
        &["--trees", "50", "--out", model.to_str().unwrap()],
    ]
    .concat();
    assert!(refused(&again).contains("holds a model already"));
}

#[test]
fn a_binary_treatment_needs_no_control_and_zipped_files_and_seeds_repeat() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data.csv");
    let mut text = String::from("d,y,x\n");
    for row in 0..500 {
        let (d, x) = (u8::from(uniform(row, 1) < 0.5), uniform(row, 2));
        writeln!(text, "{d},{},{x}", f64::from(d) * x + 0.1 * uniform(row, 3)).unwrap();
    }
    std::fs::write(&data, text).unwrap();
    let data = data.to_str().unwrap();
    let fit = |name: &str| -> Value {
        let out = folder.path().join(name);
        let words = [
            "fit-effect",
            "--format",
            "json",
            "--data",
            data,
            "--outcome",
            "y",
            "--treatment",
            "d",
        ];
        let more = [
            "--covariates",
            "x",
            "--learner",
            "forest",
            "--trees",
            "50",
            "--out",
            out.to_str().unwrap(),
        ];
        json(&[&words[..], &more].concat())
    };
    assert_eq!(fit("one")["digest"], fit("two")["digest"]);
    let out = folder.path().join("effects.csv.gz");
    let model = folder.path().join("one");
    json(&[
        "effect",
        "--format",
        "json",
        "--model",
        model.to_str().unwrap(),
        "--data",
        data,
        "--out",
        out.to_str().unwrap(),
    ]);
    let mut reader =
        csv::Reader::from_reader(flate2::read::GzDecoder::new(std::fs::File::open(&out).unwrap()));
    assert_eq!(
        reader.headers().unwrap(),
        vec!["effect", "std_error", "ci_low", "ci_high"]
    );
    assert_eq!(reader.records().count(), 500);
    // A byte of the arrays changed is a model refused.
    let arrays = model.join("arrays.safetensors");
    let mut bytes = std::fs::read(&arrays).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&arrays, bytes).unwrap();
    let words = [
        "effect",
        "--model",
        model.to_str().unwrap(),
        "--data",
        data,
        "--out",
        out.to_str().unwrap(),
    ];
    assert!(refused(&words).contains("is damaged"));
}

/// Every form holds the same numbers, and what is not known is missing in each.
#[test]
fn effects_are_the_same_in_every_form_of_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (data, model) = (at("data.csv"), at("model"));
    table(Path::new(&data), 0, 300);
    let fit = [
        "fit-effect",
        "--format",
        "json",
        "--learner",
        "x",
        "--trees",
        "20",
    ];
    json(&[&fit[..], &ROWS, &["--data", &data, "--out", &model]].concat());
    let read = |form: &str| {
        let out = at(&format!("effects.{form}"));
        let words = [
            "effect", "--format", "json", "--model", &model, "--data", &data, "--out", &out,
        ];
        assert_eq!(json(&words)["rows"], 300);
        ceteris_table::Table::read(Path::new(&out)).unwrap()
    };
    let csv = read("csv");
    for form in ["csv.gz", "parquet", "jsonl"] {
        let other = read(form);
        assert_eq!(other.len(), 300);
        for name in csv.names() {
            let bits = |table: &ceteris_table::Table| -> Vec<u64> {
                let numbers = table.numbers(name).unwrap();
                numbers.into_iter().map(f64::to_bits).collect()
            };
            assert_eq!(bits(&other), bits(&csv), "{form} {name}");
        }
    }
    assert!(csv.numbers("a.effect").unwrap().iter().all(|v| v.is_finite()));
    assert!(csv.numbers("a.std_error").unwrap().iter().all(|v| v.is_nan()));
    // Judged from any of them.
    let judge = [
        "evaluate",
        "--format",
        "json",
        "--data",
        &data,
        "--effects",
        &at("effects.parquet"),
    ];
    assert_eq!(json(&[&judge[..], &ROWS].concat())["n"], 300);
}

#[test]
fn bad_input_is_told_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data.csv");
    table(&data, 0, 60);
    let out = folder.path().join("model");
    let words = [
        "fit-effect",
        "--learner",
        "dr",
        "--data",
        data.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ];
    let with = |more: &[&str]| refused(&[&words[..], more].concat());
    let no_control = with(&["--outcome", "y", "--treatment", "arm", "--covariates", "x1"]);
    assert!(
        no_control.contains("say which one is no treatment with --control"),
        "{no_control}"
    );
    let wrong = with(&[
        "--outcome",
        "y",
        "--treatment",
        "arm",
        "--covariates",
        "x1",
        "--control",
        "nothing",
    ]);
    assert!(
        wrong.contains("--control nothing: column arm has a, b, none"),
        "{wrong}"
    );
    let dose = with(&["--outcome", "y", "--treatment", "x1", "--covariates", "x2"]);
    assert!(dose.contains("for a dose use forest or r"), "{dose}");
    let missing = with(&["--outcome", "y", "--treatment", "x1", "--covariates", "x2,x9"]);
    assert!(
        missing.contains("column x9") && missing.contains("the file has: arm, y, x1"),
        "{missing}"
    );
    let mut text = std::fs::read_to_string(&data)
        .unwrap()
        .replace("arm,y,x1", "arm,y,id");
    for row in 0..300 {
        writeln!(text, "a,1,u{row},left,0,0").unwrap();
    }
    let ids = folder.path().join("ids.csv");
    std::fs::write(&ids, text).unwrap();
    let many = [
        "fit-effect",
        "--learner",
        "dr",
        "--data",
        ids.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ];
    let many = refused(
        &[
            &many[..],
            &[
                "--outcome",
                "y",
                "--treatment",
                "arm",
                "--control",
                "none",
                "--covariates",
                "id",
            ],
        ]
        .concat(),
    );
    assert!(
        many.contains("--covariates id: 360 different words") && many.contains("`u0` is no finite number"),
        "{many}"
    );
    let nowhere = [
        "effect",
        "--model",
        "nowhere",
        "--data",
        "nowhere.csv",
        "--out",
        "effects.csv",
    ];
    assert!(
        refused(&nowhere).contains("--model: nowhere"),
        "{}",
        refused(&nowhere)
    );
    let unnamed = [
        "effect",
        "--model",
        "nowhere",
        "--data",
        "nowhere.csv",
        "--out",
        "effects.xlsx",
    ];
    assert!(refused(&unnamed).contains("end it with .csv, .csv.gz, .parquet or .jsonl"));
    let twice = with(&[
        "--outcome",
        "y",
        "--treatment",
        "arm",
        "--covariates",
        "x1,y",
        "--control",
        "none",
    ]);
    assert!(
        twice.contains("`y` is empty, named twice, or the outcome or treatment"),
        "{twice}"
    );
}
