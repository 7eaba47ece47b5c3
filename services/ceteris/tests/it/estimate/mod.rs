//! `ceteris estimate`: reference values, every method, every form of table, and what is refused.

mod arms;
mod doses;
mod simulated;

use std::path::Path;

use crate::support::{json, refused};
use serde_json::Value;

const WORDS: [&str; 3] = ["estimate", "--format", "json"];

fn estimate(file: &Path, flags: &[&str]) -> Value {
    json(&[&WORDS[..], &["--data", file.to_str().unwrap()], flags].concat())
}

fn close(found: &Value, name: &str, reference: f64, relative: f64) {
    let value = found[name].as_f64().unwrap();
    assert!(
        (value / reference - 1.0).abs() < relative,
        "{name}: {value} against {reference}"
    );
}

/// The 401(k) table with the squares of four covariates and folds by row.
fn pension() -> Option<tempfile::NamedTempFile> {
    use std::io::{Read, Write};
    let path = ceteris_testdata::file("pension_401k.csv.gz")?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    let names: Vec<&str> = header.split(',').map(|n| n.trim_matches('"')).collect();
    let squared = ["age", "inc", "educ", "fsize"].map(|n| names.iter().position(|m| *m == n).unwrap());
    let mut out = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
    writeln!(out, "{header},age2,inc2,educ2,fsize2,fold").unwrap();
    for (row, line) in lines.enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        let squares = squared
            .map(|at| (cells[at].parse::<f64>().unwrap().powi(2)).to_string())
            .join(",");
        writeln!(out, "{line},{squares},{}", row % 5).unwrap();
    }
    Some(out)
}

#[test]
fn the_pension_references_hold_on_the_command_line() {
    let Some(file) = pension() else { return };
    let x = "age,inc,educ,fsize,marr,twoearn,db,pira,hown,age2,inc2,educ2,fsize2";
    let common = ["--outcome", "net_tfa", "--covariates", x, "--fold-column", "fold"];
    let ask = |flags: &[&str]| estimate(file.path(), &[&common[..], flags].concat());
    let irm = ask(&["--treatment", "e401", "--method", "irm"]);
    close(&irm, "estimate", 8_545.383_464, 1e-4);
    close(&irm, "std_error", 1_263.593_055, 1e-4);
    assert!(irm["sensitivity"]["rv"].as_f64().unwrap() > 0.0);
    let plr = ask(&["--treatment", "e401", "--cf-y", "0.04", "--cf-d", "0.03"]);
    close(&plr, "estimate", 9_795.485_315, 1e-6);
    close(&plr, "std_error", 1_319.808_519, 1e-6);
    let bounds = &plr["sensitivity"]["bounds"];
    for (found, reference) in [(&bounds[0], 5_484.051), (&bounds[1], 14_106.920)] {
        assert!(
            (found.as_f64().unwrap() / reference - 1.0).abs() < 1e-6,
            "{bounds}"
        );
    }
    let iivm = ask(&["--treatment", "p401", "--instrument", "e401", "--method", "iivm"]);
    close(&iivm, "estimate", 12_365.360_888, 1e-4);
    close(&iivm, "std_error", 1_826.372_119, 1e-4);
    assert_eq!(iivm["instrument"]["always_takers"], false);
    assert!(iivm["instrument"]["first_stage_f"].as_f64().unwrap() > 1000.0);
}

/// y = 2 d + x + noise; z moves d; everything of d runs through m; every fifth x is missing.
fn small(gaps: bool) -> String {
    let mut text = String::from("y,d,x,z,m,k,day\n");
    for i in 0u32..240 {
        let wave = |a: u32| f64::from((i * a) % 97) / 97.0 - 0.5;
        let (x, z) = (wave(31), (i / 2) % 2);
        let d = u32::from(wave(57) + 0.8 * f64::from(z) > 0.25);
        let m = f64::from(d) + wave(71);
        let y = 2.0 * m + x + wave(83);
        let x = if gaps && i % 5 == 0 {
            String::new()
        } else {
            x.to_string()
        };
        text.push_str(&format!("{y},{d},{x},{z},{m},u{},{}\n", i / 2, i % 12));
    }
    text
}

#[test]
fn every_method_answers_the_fixed_fields() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.csv");
    std::fs::write(&file, small(false)).unwrap();
    let base = ["--outcome", "y", "--treatment", "d"];
    let x = ["--covariates", "x"];
    let cases: [&[&str]; 9] = [
        &["--score", "iv-type"],
        &[
            "--learner-outcome",
            "lasso",
            "--learner-treatment",
            "elastic_net",
            "--repeats",
            "2",
        ],
        &[
            "--method",
            "irm",
            "--estimand",
            "att",
            "--learner-outcome",
            "forest",
        ],
        &[
            "--method",
            "irm",
            "--estimand",
            "overlap",
            "--trim",
            "0.05",
            "--cluster",
            "k",
        ],
        &[
            "--method",
            "pliv",
            "--instrument",
            "z",
            "--learner-instrument",
            "ridge",
        ],
        &["--method", "iivm", "--instrument", "z"],
        &["--method", "frontdoor", "--mediator", "m"],
        &["--method", "matching", "--estimand", "att"],
        &["--cluster", "k,day", "--folds", "2"],
    ];
    for flags in cases {
        let found = estimate(&file, &[&base[..], &x, flags].concat());
        for field in ["estimate", "std_error", "p_value", "n"] {
            assert!(found[field].is_number(), "{flags:?} {field}: {found}");
        }
        assert!(found["ci"][0].as_f64().unwrap() < found["ci"][1].as_f64().unwrap());
        for field in [
            "estimand",
            "method",
            "nuisance",
            "overlap",
            "sensitivity",
            "identification",
            "flags",
        ] {
            assert!(found.get(field).is_some(), "{flags:?} {field}");
        }
    }
    let alone = estimate(
        &file,
        &[&base[..], &["--method", "frontdoor", "--mediator", "m"]].concat(),
    );
    close(&alone, "estimate", 2.0, 0.25);
    let two = estimate(
        &file,
        &[&base[..], &x, &["--cluster", "k,day", "--folds", "2"]].concat(),
    );
    assert_eq!(
        (&two["clusters"], &two["few_clusters"]),
        (&Value::from(12), &Value::from(true))
    );
}

#[test]
fn the_form_of_a_table_does_not_change_the_answer_and_gaps_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("rows.csv");
    let jsonl = folder.path().join("rows.jsonl");
    let text = small(true);
    let names: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let lines: Vec<String> = text
        .lines()
        .skip(1)
        .map(|line| {
            let cells = names
                .iter()
                .zip(line.split(','))
                .filter(|(_, cell)| !cell.is_empty());
            let object: serde_json::Map<String, Value> = cells
                .map(|(n, cell)| {
                    let number = cell.parse::<f64>().ok().map(Value::from);
                    (n.to_string(), number.unwrap_or_else(|| Value::from(cell)))
                })
                .collect();
            Value::from(object).to_string()
        })
        .collect();
    std::fs::write(&csv, &text).unwrap();
    std::fs::write(&jsonl, lines.join("\n")).unwrap();
    let flags = ["--outcome", "y", "--treatment", "d", "--covariates", "x"];
    let (one, two) = (estimate(&csv, &flags), estimate(&jsonl, &flags));
    assert_eq!(one, two);
    assert_eq!(one["missing"]["x"], 48);
}

#[test]
fn rows_in_another_order_give_the_same_estimate() {
    let folder = tempfile::tempdir().unwrap();
    let (there, back) = (folder.path().join("there.csv"), folder.path().join("back.csv"));
    let text = small(false);
    let (header, rows) = text.split_once('\n').unwrap();
    // A row that occurs twice is two rows.
    let mut rows: Vec<&str> = rows.lines().chain(rows.lines().take(3)).collect();
    std::fs::write(&there, format!("{header}\n{}\n", rows.join("\n"))).unwrap();
    rows.reverse();
    std::fs::write(&back, format!("{header}\n{}\n", rows.join("\n"))).unwrap();
    for learner in ["ols", "forest", "auto"] {
        let flags = [
            "--outcome",
            "y",
            "--treatment",
            "d",
            "--covariates",
            "x",
            "--learner-outcome",
            learner,
            "--learner-treatment",
            learner,
        ];
        let (one, two) = (estimate(&there, &flags), estimate(&back, &flags));
        assert_eq!(one["n"], 243);
        for field in ["estimate", "std_error"] {
            close(&two, field, one[field].as_f64().unwrap(), 1e-9);
        }
    }
}

#[test]
fn a_graph_proves_instruments_and_front_doors_or_refuses_them() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("rows.csv"), small(false)).unwrap();
    let graph = at("graph.txt");
    std::fs::write(&graph, "dag { z -> d ; d -> m ; m -> y ; x -> y ; d <-> y }").unwrap();
    let ask = |flags: &[&str]| {
        let base = [
            "--outcome",
            "y",
            "--treatment",
            "d",
            "--graph",
            graph.to_str().unwrap(),
        ];
        [&base[..], flags]
            .concat()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    let run = |flags: &[&str]| {
        let flags = ask(flags);
        estimate(
            &at("rows.csv"),
            &flags.iter().map(String::as_str).collect::<Vec<_>>(),
        )
    };
    let door = run(&["--method", "frontdoor", "--mediator", "m"]);
    assert_eq!(door["identification"]["strategy"], "frontdoor");
    let iv = run(&["--method", "iivm", "--instrument", "z", "--covariates", "x"]);
    assert_eq!(iv["identification"]["assumptions"][0], "monotonicity");
    let refuse = |flags: &[&str]| {
        let flags = ask(flags);
        let rows = at("rows.csv").display().to_string();
        let words: Vec<&str> = ["estimate", "--data", &rows]
            .into_iter()
            .chain(flags.iter().map(String::as_str))
            .collect();
        refused(&words)
    };
    assert!(refuse(&["--covariates", "x"]).contains("--covariates"));
    assert!(refuse(&["--method", "frontdoor", "--mediator", "z"]).contains("--mediator"));
    assert!(refuse(&["--method", "pliv", "--instrument", "m", "--covariates", "x"]).contains("--instrument"));
}

#[test]
fn what_data_cannot_answer_is_refused_by_the_name_of_the_flag() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.csv");
    let mut text = String::from("y,d,x,z,twin,one,nothing,arm\n");
    for i in 0u32..120 {
        let (x, d) = (f64::from((i * 31) % 97) / 97.0, u32::from((i * 57) % 83 > 40));
        let y = x + f64::from((i * 83) % 89) / 89.0;
        text.push_str(&format!(
            "{y},{d},{x},{},{d},1,0,{}\n",
            i % 2,
            if d == 1 { "Mail" } else { "None" }
        ));
    }
    std::fs::write(&file, text).unwrap();
    let cases: [(&[&str], &str); 12] = [
        (&["--treatment", "one"], "--treatment one: is 1"),
        (
            &["--treatment", "one", "--method", "irm"],
            "--treatment one: is 1",
        ),
        (&["--treatment", "arm"], "--treatment: line 2, column arm"),
        (&["--treatment", "d", "--covariates", "twin"], "--covariates"),
        (
            &["--treatment", "d", "--method", "iivm", "--instrument", "one"],
            "--instrument one",
        ),
        (&["--treatment", "d", "--weight", "nothing"], "--weight nothing"),
        (&["--treatment", "d", "--folds", "200"], "--folds 200"),
        (&["--treatment", "d", "--fold-column", "one"], "--fold-column"),
        (&["--treatment", "d", "--fold-column", "x"], "--fold-column x"),
        (&["--treatment", "d", "--cluster", "who"], "--cluster"),
        (&["--treatment", "d", "--covariates", "who"], "--covariates"),
        (&["--treatment", "d", "--repeats", "4000000000"], "--repeats"),
    ];
    for (flags, named) in cases {
        let mut words = vec!["estimate", "--data", file.to_str().unwrap(), "--outcome", "y"];
        words.extend(flags);
        if !flags.contains(&"--covariates") {
            words.extend(["--covariates", "x"]);
        }
        let told = refused(&words);
        assert!(told.contains(named), "{flags:?}: {told}");
    }
    std::fs::write(&file, "y,d,x\n").unwrap();
    let empty = refused(&[
        "estimate",
        "--data",
        file.to_str().unwrap(),
        "--outcome",
        "y",
        "--treatment",
        "d",
        "--covariates",
        "x",
    ]);
    assert!(empty.contains("has no rows"), "{empty}");
}

#[test]
fn flags_that_contradict_each_other_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.csv");
    std::fs::write(&file, small(false)).unwrap();
    let base = [
        "estimate",
        "--data",
        file.to_str().unwrap(),
        "--outcome",
        "y",
        "--treatment",
        "d",
    ];
    let cases: [(&[&str], &str); 9] = [
        (&[], "--covariates"),
        (&["--covariates", "x", "--method", "pliv"], "--instrument"),
        (&["--covariates", "x", "--instrument", "z"], "--instrument"),
        (&["--method", "frontdoor"], "--mediator"),
        (&["--covariates", "x", "--estimand", "att"], "--estimand"),
        (
            &[
                "--covariates",
                "x",
                "--method",
                "irm",
                "--learner-treatment",
                "ols",
            ],
            "--learner-treatment",
        ),
        (
            &["--covariates", "x", "--method", "matching", "--cluster", "k"],
            "--cluster",
        ),
        (&["--covariates", "x", "--trim", "0.1"], "--trim"),
        (&["--covariates", "x", "--cluster", "k,day,z"], "--cluster"),
    ];
    for (flags, named) in cases {
        let told = refused(&[&base[..], flags].concat());
        assert!(told.contains(named), "{flags:?}: {told}");
    }
}
