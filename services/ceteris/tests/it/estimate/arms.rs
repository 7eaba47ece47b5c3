//! Several arms against control: against a simulated truth and published values, and what is refused.

use serde_json::Value;

use super::simulated::{ask, holds, number, refuse, table};

const ARMS: [&str; 10] = [
    "--outcome",
    "v",
    "--treatment",
    "arm",
    "--covariates",
    "x",
    "--method",
    "irm",
    "--control",
    "none",
];

#[test]
fn several_arms_are_told_against_control_and_together() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.csv");
    table(&file, 3000);
    let found = ask(&file, &ARMS);
    assert!(found["estimate"].is_null() && found["ci"].is_null());
    assert_eq!(
        (&found["n"], &found["control"]),
        (&Value::from(3000), &Value::from("none"))
    );
    let arms = found["arms"].as_array().unwrap();
    assert_eq!(arms.len(), 2);
    for (arm, (name, truth)) in arms.iter().zip([("a", 1.0), ("b", -0.5)]) {
        assert_eq!(arm["arm"], name);
        holds(&arm["estimate"], &arm["std_error"], truth);
        let (own, all) = (&arm["ci"], &arm["joint_ci"]);
        assert!(number(&all[0]) < number(&own[0]) && number(&own[1]) < number(&all[1]));
        assert!(number(&arm["p_value"]) <= number(&arm["p_value_adjusted"]));
        assert!(number(&arm["p_value_adjusted"]) < 0.001);
    }
    // Means of the potential outcomes differ by the arms' effects, and control's is 0 on average.
    let means = found["means"].as_array().unwrap();
    holds(&means[0]["estimate"], &means[0]["std_error"], 0.0);
    let gap = number(&means[1]["estimate"]) - number(&means[0]["estimate"]);
    assert!((gap - number(&arms[0]["estimate"])).abs() < 1e-12);
    let overlap = found["overlap"]["arms"].as_array().unwrap();
    let rows: f64 = overlap.iter().map(|arm| number(&arm["rows"])).sum();
    assert_eq!((overlap[0]["arm"].as_str(), rows), (Some("none"), 3000.0));
    assert_eq!(found["no_effect"]["df"], 2);
    // Without one of the arms the other's effect is that of two arms, and every estimand is there.
    let text = std::fs::read_to_string(&file).unwrap();
    let two: Vec<&str> = text.lines().filter(|line| !line.contains(",b,")).collect();
    std::fs::write(&file, two.join("\n")).unwrap();
    // A column of folds, for rows are known by their cells, which the names are among.
    let folds = ["--fold-column", "w"];
    let named = ask(&file, &[&ARMS[..], &folds].concat());
    holds(&named["estimate"], &named["std_error"], 1.0);
    let coded = two.join("\n").replace(",none,", ",0,").replace(",a,", ",1,");
    std::fs::write(&file, coded).unwrap();
    let coded = ask(&file, &[&ARMS[..8], &folds].concat());
    for field in ["estimate", "std_error"] {
        let ratio = number(&coded[field]) / number(&named[field]);
        assert!((ratio - 1.0).abs() < 1e-9, "{field}: {ratio}");
    }
    let att = ask(
        &file,
        &[&ARMS[..8], &["--control", "0", "--estimand", "att"]].concat(),
    );
    assert_eq!(att["estimand"], "average effect on the treated");
}

/// The e-mail experiment's published differences, which covariates may only make sharper.
#[test]
fn hillstrom_has_its_published_effects_on_spend() {
    let Some(file) = ceteris_testdata::file("hillstrom.csv.gz") else {
        return;
    };
    let flags = [
        "--outcome",
        "spend",
        "--treatment",
        "treatment",
        "--control",
        "No E-Mail",
        "--method",
        "irm",
        "--covariates",
        "recency,history,mens,womens,zip_code,newbie,channel",
    ];
    let found = ask(&file, &flags);
    let published = [("Mens E-Mail", 0.7698, 0.1452), ("Womens E-Mail", 0.4244, 0.1303)];
    for (arm, (name, estimate, error)) in found["arms"].as_array().unwrap().iter().zip(published) {
        assert_eq!(arm["arm"], name);
        assert!((number(&arm["estimate"]) - estimate).abs() < 0.2 * error, "{arm}");
        assert!((number(&arm["std_error"]) / error - 1.0).abs() < 0.02, "{arm}");
    }
    for arm in found["overlap"]["arms"].as_array().unwrap() {
        assert!(
            (number(&arm["propensity_mean"]) - 1.0 / 3.0).abs() < 0.005,
            "{arm}"
        );
    }
}

#[test]
fn what_arms_cannot_answer_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.csv");
    table(&file, 400);
    let cases: [(&[&str], &str); 4] = [
        (&["--estimand", "att"], "--estimand: several arms have ate alone"),
        (
            &["--estimand", "overlap"],
            "--estimand: several arms have ate alone",
        ),
        (&["--cluster", "unit,w"], "--cluster"),
        (&["--learner-treatment", "ols"], "--learner-treatment"),
    ];
    for (more, told) in cases {
        let said = refuse(&file, &ARMS, more);
        assert!(said.contains(told), "{more:?}: {said}");
    }
    let with = |method: &str, control: &[&str]| {
        let mut flags = ARMS[..8].to_vec();
        flags[7] = method;
        refuse(&file, &flags, control)
    };
    assert!(with("irm", &[]).contains("say which one is no treatment with --control"));
    assert!(with("irm", &["--control", "nothing"]).contains("--control nothing: column arm has a, b, none"));
    for method in ["plr", "matching"] {
        let said = with(method, &["--control", "none"]);
        assert!(said.contains("has the arms a, b beside none"), "{said}");
    }
    let numbers = refuse(
        &file,
        &["--outcome", "v", "--treatment", "d", "--covariates", "x"],
        &["--method", "irm"],
    );
    assert!(numbers.contains("--control if the others are arms"), "{numbers}");
    // An arm of one row cannot be learned from.
    let text = std::fs::read_to_string(&file)
        .unwrap()
        .replacen(",a,", ",rare,", 1);
    std::fs::write(&file, text).unwrap();
    let rare = refuse(&file, &ARMS, &[]);
    assert!(rare.contains("--treatment arm: rare has"), "{rare}");
}
