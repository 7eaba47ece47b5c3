//! Curves of a continuous treatment: against a simulated truth and `plr`, and what is refused.

use super::simulated::{ask, holds, number, refuse, table};

const DOSE: [&str; 8] = [
    "--outcome",
    "y",
    "--treatment",
    "d",
    "--covariates",
    "x",
    "--method",
    "dose",
];
#[test]
fn a_curve_of_doses_holds_the_truth_in_its_bands() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.csv");
    table(&file, 4000);
    for basis in [
        &["--dose-basis", "polynomial", "--dose-degree", "2"][..],
        &["--dose-knots", "6"],
    ] {
        let found = ask(
            &file,
            &[&DOSE[..], basis, &["--at", "0,1,2,3,4", "--from", "1"]].concat(),
        );
        let curve = found["curve"].as_array().unwrap();
        assert_eq!(curve.len(), 5);
        for point in curve {
            let (dose, effect) = (number(&point["dose"]), number(&point["effect"]));
            let truth = (dose * dose - 1.0) / 4.0;
            let [low, high] = [0, 1].map(|end| number(&point["joint_ci"][end]));
            if dose == 1.0 {
                assert_eq!([effect, low, high], [0.0; 3]);
                continue;
            }
            // Near its outer knots a natural spline is straighter than a parabola.
            let bends = basis.contains(&"polynomial") || dose < 4.0;
            assert!(!bends || (low..high).contains(&truth), "{basis:?}: {point}");
            assert!(
                low < number(&point["ci"][0]) && number(&point["ci"][1]) < high,
                "a band of several is wider than an interval of one: {point}"
            );
        }
        // The estimate is the contrast of the quartiles that it names.
        let [dose, from] = ["dose", "from"].map(|end| number(&found["contrast"][end]));
        holds(
            &found["estimate"],
            &found["std_error"],
            (dose * dose - from * from) / 4.0,
        );
        let named = found["estimand"].as_str().unwrap();
        assert!(
            named.contains(&format!("of dose {dose} against dose {from}")),
            "{named}"
        );
        assert!(number(&found["no_effect"]["p_value"]) < 1e-6);
    }
    // By default the curve stands on quantiles, against the median.
    let found = ask(&file, &DOSE);
    let doses: Vec<f64> = found["curve"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| number(&p["dose"]))
        .collect();
    assert_eq!((doses.len(), doses[2]), (5, number(&found["from"])));
    assert!((doses[2] - 2.0).abs() < 0.1, "{doses:?}");
}

/// A straight line in the dose is what `plr` estimates a unit of.
#[test]
fn a_straight_line_of_doses_is_the_partially_linear_coefficient() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.csv");
    table(&file, 800);
    let line = [
        "--dose-basis",
        "polynomial",
        "--dose-degree",
        "1",
        "--at",
        "3",
        "--from",
        "2",
    ];
    for more in [&[][..], &["--cluster", "unit"], &["--weight", "w"]] {
        let dose = ask(&file, &[&DOSE[..], &line, more].concat());
        let plr = ask(&file, &[&DOSE[..6], more].concat());
        let point = &dose["curve"][0];
        for (found, reference) in [
            (&point["effect"], &plr["estimate"]),
            (&point["std_error"], &plr["std_error"]),
        ] {
            assert!(
                (number(found) / number(reference) - 1.0).abs() < 1e-9,
                "{more:?}: {found} {reference}"
            );
        }
    }
}

#[test]
fn what_doses_cannot_answer_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.csv");
    table(&file, 400);
    let cases: [(&[&str], &str); 10] = [
        (
            &["--at", "1,9"],
            "--at 9: no such dose was seen; name doses from -",
        ),
        (&["--from", "-3"], "--from -3: no such dose"),
        (&["--at", "nan"], "--at NaN"),
        (
            &["--dose-degree", "2"],
            "--dose-degree: belongs to --dose-basis polynomial",
        ),
        (
            &["--dose-basis", "polynomial", "--dose-knots", "4"],
            "--dose-knots",
        ),
        (&["--dose-knots", "2"], "--dose-knots"),
        (&["--control", "1"], "--control"),
        (&["--cluster", "unit,arm"], "--cluster"),
        (&["--learner-treatment", "logit"], "--learner-treatment"),
        (&["--estimand", "att"], "--estimand"),
    ];
    for (more, told) in cases {
        let said = refuse(&file, &DOSE, more);
        assert!(said.contains(told), "{more:?}: {said}");
    }
    let words = refuse(
        &file,
        &["--treatment", "arm", "--outcome", "y", "--covariates", "x"],
        &["--method", "dose"],
    );
    assert!(words.contains("--treatment"), "{words}");
    assert!(refuse(&file, &DOSE[..6], &["--at", "1"]).contains("--at: belongs to --method dose"));
}
