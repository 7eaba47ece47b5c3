//! An average effect with its interval, from simulated rows whose true effect is 2.
#![allow(clippy::print_stdout, reason = "an example prints")]

use ceteris_causal::effect::Column;
use ceteris_causal::estimate::dml::{ArmLearners, DmlParams, Estimand, interactive};
use ceteris_causal::estimate::learner::{BasisParams, Design, Linear, Logistic};
use ceteris_causal::estimate::{PropensitySource, Sample, unwatched};
use ceteris_causal::stats::{Unit, uniform};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Age moves both who is treated and the outcome: the difference in means would be far from 2.
    let draw = |row: usize, what: u64| uniform(7, &(row as u64).to_le_bytes(), what);
    let age: Vec<f64> = (0..2000).map(|i| draw(i, 0)).collect();
    let d: Vec<f64> = (0..2000)
        .map(|i| f64::from(draw(i, 1) < 0.2 + 0.6 * age[i]))
        .collect();
    let y: Vec<f64> = (0..2000)
        .map(|i| 2.0 * d[i] + 5.0 * age[i] + draw(i, 2))
        .collect();

    let x = Design::from_columns(vec![(Column::numeric("age"), age)])?;
    let unit = Unit::one_per_row(2000);
    let sample = Sample {
        y: &y[..],
        d: &d[..],
        z: None,
        x: &x,
        weight: None,
        unit: &unit,
        cluster: None,
    };
    let learners = ArmLearners {
        g: &Linear::ols(BasisParams::LINEAR),
        m: PropensitySource::Learned(&Logistic::logit(BasisParams::LINEAR)),
    };
    let fit = interactive(
        &DmlParams::default().check()?,
        &sample,
        Estimand::Ate,
        learners,
        &unwatched,
    )?;
    let [low, high] = fit.estimate.ci(0.95);
    println!(
        "average effect {:.3}, 95 % interval [{low:.3}, {high:.3}]",
        fit.estimate.estimate
    );
    Ok(())
}
