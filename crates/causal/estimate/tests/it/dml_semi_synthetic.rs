//! Semi-synthetic data sets: real covariates, simulated outcomes, true effects in the file.

use ceteris_effect::Column;
use ceteris_estimate::dml::{ArmLearners, DmlParams, Estimand, PropensitySource, interactive};
use ceteris_estimate::inference::Estimate;
use ceteris_estimate::learner::{BasisParams, Design, Linear, Logistic};
use ceteris_estimate::unwatched;
use ceteris_stats::Unit;

use crate::common::Rows;
use crate::common::{Table, data, data_without_header, near};

fn estimate(x: &Design, y: &[f64], d: &[f64], estimand: Estimand, basis: BasisParams) -> Estimate {
    let g = Linear::ridge_gcv(basis);
    let m = Logistic::logit_l2(basis, 5.0);
    let rows = Rows {
        x,
        units: &Unit::one_per_row(x.n()),
        weights: None,
    };
    let params = DmlParams::default().check().unwrap();
    interactive(
        &params,
        &rows.sample(y, d),
        estimand,
        ArmLearners {
            g: &g,
            m: PropensitySource::Learned(&m),
        },
        &unwatched,
    )
    .unwrap()
    .estimate
}

fn mean(v: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = v.len() as f64;
    v.sum::<f64>() / n
}

#[test]
fn ihdp_effect_on_the_treated() {
    let mut names: Vec<String> = ["treatment", "y", "y_other", "mu0", "mu1"]
        .map(String::from)
        .to_vec();
    names.extend((1..=25).map(|i| format!("x{i}")));
    for file in 1..=3 {
        let Some(t) = data_without_header(&format!("ihdp_npci_{file}.csv.gz"), &names) else {
            return;
        };
        let covariates: Vec<&str> = names[5..].iter().map(String::as_str).collect();
        let x = t.design(&covariates, &[]);
        let att = estimate(
            &x,
            &t.numbers("y"),
            &t.numbers("treatment"),
            Estimand::Att,
            BasisParams::spline(4),
        );
        assert!(
            (att.estimate - 4.0).abs() < 3.0 * att.std_error && att.std_error < 0.6,
            "file {file}: {att:?}"
        );
    }
}

#[test]
fn acic_sample_average_effect() {
    let Some(x) = data("acic2016_x.csv.gz") else {
        return;
    };
    let x = acic_design(&x);
    for (file, truth) in [(1, 2.128079), (2, 4.679245)] {
        let Some(t) = data(&format!("acic2016_zymu_{file}.csv.gz")) else {
            return;
        };
        let (z, y0, y1) = (t.numbers("z"), t.numbers("y0"), t.numbers("y1"));
        let (mu0, mu1) = (t.numbers("mu0"), t.numbers("mu1"));
        near(
            "truth of the file",
            mean((0..mu0.len()).map(|i| mu1[i] - mu0[i])),
            truth,
            1e-5,
        );
        let y: Vec<f64> = (0..z.len())
            .map(|i| if z[i] == 1.0 { y1[i] } else { y0[i] })
            .collect();
        let ate = estimate(&x, &y, &z, Estimand::Ate, BasisParams::LINEAR);
        assert!(
            (ate.estimate - truth).abs() < 3.0 * ate.std_error && ate.std_error < 0.25,
            "file {file}: {ate:?}"
        );
    }
}

/// Letters are categories, numbers numbers.
fn acic_design(t: &Table) -> Design {
    let column = |name: &String| {
        if t.text(name)[0].parse::<f64>().is_ok() {
            (Column::numeric(name), t.numbers(name))
        } else {
            t.category(name)
        }
    };
    Design::from_columns(t.names().iter().map(column).collect()).unwrap()
}
