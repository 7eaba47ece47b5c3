//! Published and computed reference values on real data (see the data folder's README).

use ceteris_effect::Column;
use ceteris_estimate::diagnose::sensitivity;
use ceteris_estimate::dml::{
    ArmLearners, Compliance, DmlParams, Estimand, FittedPartiallyLinear, FoldPlan, LocalAverageLearners,
    PartiallyLinearLearners, PropensitySource, ValidDmlParams, interactive, local_average, multi_arm,
    partially_linear,
};
use ceteris_estimate::effect::difference_in_means;
use ceteris_estimate::inference::{Estimate, RobustSet, anderson_rubin, first_stage_f};
use ceteris_estimate::learner::{
    BasisParams, Boosting, Classifier, Design, Forest, Linear, Logistic, Probability, Regressor,
};
use ceteris_estimate::score::Observed;
use ceteris_estimate::unwatched;
use ceteris_stats::Clusters;
use ceteris_stats::Unit;
use ndarray::{Array2, ArrayView1, Axis, concatenate};

use crate::common::Rows;
use crate::common::{Table, data, mod5, near};

const PENSION: [&str; 9] = [
    "age", "inc", "educ", "fsize", "marr", "twoearn", "db", "pira", "hown",
];
const SQUARED: [&str; 4] = ["age", "inc", "educ", "fsize"];
const OLS: Linear = Linear::ols(BasisParams::LINEAR);
const LOGIT: Logistic = Logistic::logit(BasisParams::LINEAR);

fn mod5_params(n: usize) -> ValidDmlParams {
    DmlParams {
        folds: FoldPlan::Given(mod5(n)),
        ..DmlParams::default()
    }
    .check()
    .unwrap()
}

fn plr(table: &Table, x: &Design, y: &str, d: &str) -> FittedPartiallyLinear {
    let rows = Rows {
        x,
        units: &Unit::one_per_row(x.n()),
        weights: None,
    };
    partially_linear(
        &mod5_params(x.n()),
        &rows.sample(&table.numbers(y), &table.numbers(d)),
        PartiallyLinearLearners { l: &OLS, m: &OLS },
        &unwatched,
    )
    .unwrap()
}

fn holds(what: &str, fit: &FittedPartiallyLinear, estimate: f64, std_error: f64) {
    near(what, fit.estimate.estimate, estimate, 1e-6);
    near(what, fit.estimate.std_error, std_error, 1e-6);
}

#[test]
fn pension_partially_linear() {
    let Some(t) = data("pension_401k.csv.gz") else {
        return;
    };
    holds(
        "9 X",
        &plr(&t, &t.design(&PENSION, &[]), "net_tfa", "e401"),
        5939.325296,
        1521.228091,
    );
    holds(
        "13 X",
        &plr(&t, &t.design(&PENSION, &SQUARED), "net_tfa", "e401"),
        9795.485315,
        1319.808519,
    );
}

#[test]
fn pension_partially_linear_by_normal_equations() {
    let Some(t) = data("pension_401k.csv.gz") else {
        return;
    };
    let x = t.design(&PENSION, &SQUARED);
    let rows = Rows {
        x: &x,
        units: &Unit::one_per_row(x.n()),
        weights: None,
    };
    let own = Linear::ridge(BasisParams::LINEAR, 0.0);
    let (y, d) = (t.numbers("net_tfa"), t.numbers("e401"));
    let fit = partially_linear(
        &mod5_params(x.n()),
        &rows.sample(&y, &d),
        PartiallyLinearLearners { l: &own, m: &own },
        &unwatched,
    )
    .unwrap();
    holds("13 X", &fit, 9795.485315, 1319.808519);
}

#[test]
fn pension_interactive() {
    let Some(t) = data("pension_401k.csv.gz") else {
        return;
    };
    let x = t.design(&PENSION, &SQUARED);
    let rows = Rows {
        x: &x,
        units: &Unit::one_per_row(x.n()),
        weights: None,
    };
    let (y, d) = (t.numbers("net_tfa"), t.numbers("e401"));
    let m = PropensitySource::Learned(&LOGIT);
    let fit = interactive(
        &mod5_params(x.n()),
        &rows.sample(&y, &d),
        Estimand::Ate,
        ArmLearners { g: &OLS, m },
        &unwatched,
    )
    .unwrap();
    near("ate", fit.estimate.estimate, 8545.383464, 1e-4);
    near("ate error", fit.estimate.std_error, 1263.593055, 1e-4);
}

#[test]
fn pension_local_average() {
    let Some(t) = data("pension_401k.csv.gz") else {
        return;
    };
    let x = t.design(&PENSION, &SQUARED);
    let rows = Rows {
        x: &x,
        units: &Unit::one_per_row(x.n()),
        weights: None,
    };
    let fit = local_average(
        &mod5_params(x.n()),
        &rows.instrumented(&t.numbers("net_tfa"), &t.numbers("p401"), &t.numbers("e401")),
        Compliance {
            always_takers: false,
            never_takers: true,
        },
        LocalAverageLearners {
            g: &OLS,
            r: &LOGIT,
            m: PropensitySource::Learned(&LOGIT),
        },
        &unwatched,
    )
    .unwrap();
    near("late", fit.estimate.estimate, 12365.360888, 1e-4);
    near("late error", fit.estimate.std_error, 1826.372119, 1e-4);
    let scores = &fit.repeats[0].scores;
    let rows = Clusters::rows(x.n());
    let ones = vec![1.0; x.n()];
    assert!(first_stage_f(scores, &ones, &rows).unwrap() > 1000.0);
    let RobustSet::Interval(set) = anderson_rubin(scores, &ones, &rows, 0.95).unwrap() else {
        panic!("eligibility is no weak instrument");
    };
    let usual = fit.estimate.ci(0.95);
    near("robust low", set[0], usual[0], 0.01);
    near("robust high", set[1], usual[1], 0.01);
}

#[test]
fn pension_with_flexible_learners_lies_in_the_published_band() {
    let Some(t) = data("pension_401k.csv.gz") else {
        return;
    };
    let x = t.design(&PENSION, &[]);
    let rows = Rows {
        x: &x,
        units: &Unit::one_per_row(x.n()),
        weights: None,
    };
    let (y, d) = (t.numbers("net_tfa"), t.numbers("e401"));
    let l = Linear::ridge_gcv(BasisParams::spline(6));
    let m = Logistic::logit_l2(BasisParams::spline(6), 1.0);
    let params = mod5_params(x.n());
    let plr = partially_linear(
        &params,
        &rows.sample(&y, &d),
        PartiallyLinearLearners {
            l: &l,
            m: &Probability(m),
        },
        &unwatched,
    )
    .unwrap()
    .estimate;
    assert!(
        (7800.0..9800.0).contains(&plr.estimate) && (1100.0..1450.0).contains(&plr.std_error),
        "{plr:?}"
    );
    let irm = interactive(
        &params,
        &rows.sample(&y, &d),
        Estimand::Ate,
        ArmLearners {
            g: &l,
            m: PropensitySource::Learned(&m),
        },
        &unwatched,
    );
    let irm = irm.unwrap().estimate;
    assert!(
        (7600.0..8900.0).contains(&irm.estimate) && (1100.0..1450.0).contains(&irm.std_error),
        "{irm:?}"
    );
}

#[test]
fn pension_with_trees_lies_in_the_published_bands() {
    let Some(t) = data("pension_401k.csv.gz") else {
        return;
    };
    let x = t.design(&PENSION, &[]);
    let rows = Rows {
        x: &x,
        units: &Unit::one_per_row(x.n()),
        weights: None,
    };
    let (y, e, p) = (t.numbers("net_tfa"), t.numbers("e401"), t.numbers("p401"));
    let params = mod5_params(x.n());
    let within = |what: &str, found: &Estimate, theta: [f64; 2], error: [f64; 2]| {
        assert!(
            (theta[0]..theta[1]).contains(&found.estimate) && (error[0]..error[1]).contains(&found.std_error),
            "{what}: {found:?}"
        );
    };
    // Net assets have heavy tails, which small leaves would follow; the forest's were chosen after looking at its defaults.
    let boosting = Boosting::default();
    let forest = Forest {
        trees: 100,
        rows_min: 80,
        ..Forest::default()
    };
    let learners: [(&str, Box<dyn Regressor>, Box<dyn Classifier>); 2] = [
        ("forest", Box::new(forest), Box::new(forest)),
        ("boosting", Box::new(boosting), Box::new(boosting)),
    ];
    for (name, g, m) in &learners {
        let probability = Probability(&**m);
        let plr = partially_linear(
            &params,
            &rows.sample(&y, &e),
            PartiallyLinearLearners {
                l: &**g,
                m: &probability,
            },
            &unwatched,
        )
        .unwrap();
        within(
            &format!("{name} plr"),
            &plr.estimate,
            [7800.0, 9800.0],
            [1100.0, 1450.0],
        );
        let source = PropensitySource::Learned(&**m);
        let irm = interactive(
            &params,
            &rows.sample(&y, &e),
            Estimand::Ate,
            ArmLearners { g: &**g, m: source },
            &unwatched,
        )
        .unwrap();
        within(
            &format!("{name} irm"),
            &irm.estimate,
            [7600.0, 8900.0],
            [1100.0, 1450.0],
        );
    }
    let compliance = Compliance {
        always_takers: false,
        never_takers: true,
    };
    let source = PropensitySource::Learned(&forest);
    let late = local_average(
        &params,
        &rows.instrumented(&y, &p, &e),
        compliance,
        LocalAverageLearners {
            g: &forest,
            r: &forest,
            m: source,
        },
        &unwatched,
    )
    .unwrap();
    within(
        "forest iivm",
        &late.estimate,
        [11400.0, 12800.0],
        [1600.0, 1950.0],
    );
    // With nothing but defaults, folds too; cut by i mod 5 boosting gives 11 030.
    let params = DmlParams::default().check().unwrap();
    let source = PropensitySource::Learned(&boosting);
    let late = local_average(
        &params,
        &rows.instrumented(&y, &p, &e),
        compliance,
        LocalAverageLearners {
            g: &boosting,
            r: &boosting,
            m: source,
        },
        &unwatched,
    )
    .unwrap();
    within(
        "boosting iivm",
        &late.estimate,
        [11400.0, 12800.0],
        [1600.0, 1950.0],
    );
}

#[test]
fn pension_sensitivity() {
    let Some(t) = data("pension_401k.csv.gz") else {
        return;
    };
    let fit = plr(&t, &t.design(&PENSION, &SQUARED), "net_tfa", "e401");
    let (y, d, r) = (t.numbers("net_tfa"), t.numbers("e401"), &fit.repeats[0]);
    let s = sensitivity::partially_linear(
        Observed { y: &y, d: &d },
        &r.nuisances,
        &vec![1.0; y.len()],
        &Clusters::rows(y.len()),
    )
    .unwrap();
    let bounds = s
        .bounds(
            sensitivity::Confounding {
                cf_y: 0.04,
                cf_d: 0.03,
                rho: 1.0,
            },
            0.95,
        )
        .unwrap();
    near("lower", bounds.theta[0], 5484.051, 1e-6);
    near("upper", bounds.theta[1], 14106.920, 1e-6);
    near("rv", s.robustness_value(0.0, 1.0), 0.07678, 1e-4);
    near(
        "rva",
        s.robustness_value_with_confidence(0.0, 1.0, 0.95),
        0.05823,
        2e-4,
    );
}

#[test]
fn nhefs_partially_linear_and_difference() {
    let Some(t) = data("nhefs.csv") else { return };
    let x = t.design(
        &["sex", "race", "age", "smokeintensity", "smokeyrs", "wt71"],
        &["age", "smokeintensity", "smokeyrs", "wt71"],
    );
    let mut columns: Vec<Column> = x.columns().to_vec();
    let mut values = x.values().clone();
    for (name, levels) in [("education", 2..=5), ("exercise", 1..=2), ("active", 1..=2)] {
        let v = t.numbers(name);
        for level in levels {
            let dummy: Vec<f64> = v
                .iter()
                .map(|v| f64::from(u8::from(*v == f64::from(level))))
                .collect();
            values = concatenate![Axis(1), values, ArrayView1::from(&dummy).insert_axis(Axis(1))];
            columns.push(Column::numeric(format!("{name}={level}")));
        }
    }
    assert_eq!(columns.len(), 18);
    let x = Design::new(values, columns).unwrap();
    holds("nhefs", &plr(&t, &x, "wt82_71", "qsmk"), 3.494037, 0.462776);
    let arms: Vec<usize> = t.numbers("qsmk").iter().map(|d| *d as usize).collect();
    let naive = difference_in_means(
        &t.numbers("wt82_71"),
        &arms,
        1,
        0,
        &vec![1.0; t.n()],
        &Clusters::rows(t.n()),
    );
    near("unadjusted", naive.unwrap().estimate, 2.5406, 1e-4);
}

#[test]
fn nsw_partially_linear_and_difference() {
    let Some(t) = data("nsw_dw.csv") else { return };
    let x = t.design(
        &["age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75"],
        &[],
    );
    holds("nsw", &plr(&t, &x, "re78", "treat"), 1679.460786, 664.162484);
    let arms: Vec<usize> = t.numbers("treat").iter().map(|d| *d as usize).collect();
    let naive = difference_in_means(
        &t.numbers("re78"),
        &arms,
        1,
        0,
        &vec![1.0; t.n()],
        &Clusters::rows(t.n()),
    )
    .unwrap();
    near("difference", naive.estimate, 1794.3424, 1e-7);
    near("HC2", naive.std_error, 670.9965, 1e-6);
}

#[test]
fn hillstrom_arms() {
    let Some(t) = data("hillstrom.csv.gz") else { return };
    let names = ["No E-Mail", "Mens E-Mail", "Womens E-Mail"];
    let at = |v: &String| names.iter().position(|n| n == v).unwrap();
    let arms: Vec<usize> = t.text("treatment").iter().map(at).collect();
    let n = arms.len();
    let spend = t.numbers("spend");
    let ones = vec![1.0; n];
    for (arm, estimate, std_error) in [(2, 0.4244, 0.1303), (1, 0.7698, 0.1452)] {
        let naive = difference_in_means(&spend, &arms, arm, 0, &ones, &Clusters::rows(n)).unwrap();
        near("difference", naive.estimate, estimate, 2e-4);
        near("its error", naive.std_error, std_error, 5e-4);
    }

    let numeric = ["recency", "history", "mens", "womens", "newbie"];
    let mut columns: Vec<_> = numeric
        .iter()
        .map(|c| (Column::numeric(*c), t.numbers(c)))
        .collect();
    columns.extend(["history_segment", "zip_code", "channel"].map(|c| t.category(c)));
    let x = Design::from_columns(columns).unwrap();
    let units = Unit::one_per_row(n);
    let rows = Rows {
        x: &x,
        units: &units,
        weights: None,
    };
    let outcomes = ["visit", "conversion", "spend"].map(|c| t.numbers(c));
    let y = Array2::from_shape_fn((n, 3), |(i, j)| outcomes[j][i]);
    let g = Linear::ridge_gcv(BasisParams::spline(5));
    let m = Logistic::logit(BasisParams::spline(5));
    let params = DmlParams::default().check().unwrap();
    let fit = multi_arm(
        &params,
        &rows.of_arms(&y, &arms, 3),
        ArmLearners {
            g: &g,
            m: PropensitySource::Learned(&m),
        },
        &unwatched,
    )
    .unwrap();
    for (arm, estimate, std_error) in [(2, 0.4244, 0.1303), (1, 0.7698, 0.1452)] {
        let ate = fit.ate(2, arm, 0).unwrap();
        // Adjustment moves a randomised contrast by a fraction of its error and widens nothing.
        assert!((ate.estimate - estimate).abs() < 0.25 * std_error, "{ate:?}");
        near("error", ate.std_error, std_error, 0.02);
    }
    assert!(fit.flags.is_empty(), "{:?}", fit.flags);
    assert_eq!(fit.repeats[0].clip.as_ref().unwrap().rows, 0);
}
