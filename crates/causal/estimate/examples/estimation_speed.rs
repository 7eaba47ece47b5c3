//! Seconds and memory of double machine learning, for `benches/estimation.py` to set beside a peer's in the same run.
//!
//! `estimation_speed FILE FITS [LEARNERS]` reads a table (y, d, x...) and prints, for PLR and IRM with each pair of learners
//! (`linear`: least squares and unpenalised logit; `forest`: a hundred trees), `what,value` lines: the estimate, its error,
//! and the least wall and CPU time of so many fits. `estimation_speed memory N P METHOD LEARNERS` fits once to N simulated
//! rows of P covariates and prints the peak resident memory before and after, and the bytes of y, d and x. Threads are those
//! of `RAYON_NUM_THREADS`.
#![allow(
    clippy::disallowed_methods,
    reason = "an example takes arguments, reads files and measures time"
)]
#![allow(clippy::print_stdout)]

mod support;

use std::time::Instant;

use anyhow::bail;
use ceteris_effect::Column;
use ceteris_estimate::dml::{
    ArmLearners, DmlParams, Estimand, PartiallyLinearLearners, interactive, partially_linear,
};
use ceteris_estimate::inference::Estimate;
use ceteris_estimate::learner::{
    BasisParams, Classifier, Design, Forest, Linear, Logistic, Probability, Regressor,
};
use ceteris_estimate::{PropensitySource, Sample, unwatched};
use ceteris_stats::{Unit, uniform};
use ndarray::{Array2, s};

use crate::support::{cpu_s, peak_bytes, read};

/// What the peer's forests are grown with too.
const FOREST: Forest = Forest {
    trees: 100,
    rows_min: 5,
    share: 0.63,
    columns: None,
    bins: 64,
};

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match &args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["memory", n, p, method, learners] => memory(n.parse()?, p.parse()?, method, learners),
        [file, fits] => speed(&read(file)?, fits.parse()?, &["linear", "forest"]),
        [file, fits, learners] => speed(&read(file)?, fits.parse()?, &[learners]),
        _ => bail!("usage: estimation_speed FILE FITS [LEARNERS] | memory N P plr|irm linear|forest"),
    }
}

/// A table as the estimators read it.
struct Data {
    y: Vec<f64>,
    d: Vec<f64>,
    x: Design,
    units: Vec<Unit>,
}

impl Data {
    fn new(y: Vec<f64>, d: Vec<f64>, x: Array2<f64>) -> anyhow::Result<Data> {
        let columns = (0..x.ncols()).map(|j| Column::numeric(format!("x{j}"))).collect();
        Ok(Data {
            units: Unit::one_per_row(y.len()),
            y,
            d,
            x: Design::new(x, columns)?,
        })
    }

    fn fit(&self, method: &str, learners: &str) -> anyhow::Result<Estimate> {
        let (ols, logit) = (
            Linear::ols(BasisParams::LINEAR),
            Logistic::logit(BasisParams::LINEAR),
        );
        let of_treatment = Probability(FOREST);
        let (outcome, treatment, classes): (&dyn Regressor, &dyn Regressor, &dyn Classifier) = match learners
        {
            "linear" => (&ols, &ols, &logit),
            "forest" => (&FOREST, &of_treatment, &FOREST),
            _ => bail!("{learners}: give linear or forest"),
        };
        let sample = Sample {
            y: &self.y[..],
            d: &self.d[..],
            z: None,
            x: &self.x,
            weight: None,
            unit: &self.units,
            cluster: None,
        };
        let params = DmlParams::default().check()?;
        Ok(match method {
            "plr" => {
                let learners = PartiallyLinearLearners {
                    l: outcome,
                    m: treatment,
                };
                partially_linear(&params, &sample, learners, &unwatched)?.estimate
            }
            "irm" => {
                let learners = ArmLearners {
                    g: outcome,
                    m: PropensitySource::Learned(classes),
                };
                interactive(&params, &sample, Estimand::Ate, learners, &unwatched)?.estimate
            }
            _ => bail!("{method}: give plr or irm"),
        })
    }
}

fn speed(table: &Array2<f64>, fits: usize, learners: &[&str]) -> anyhow::Result<()> {
    let data = Data::new(
        table.column(0).to_vec(),
        table.column(1).to_vec(),
        table.slice(s![.., 2..]).to_owned(),
    )?;
    for learners in learners {
        for method in ["plr", "irm"] {
            let (mut wall, mut cpu) = (f64::INFINITY, f64::INFINITY);
            for fit in 0..fits {
                let (start, before) = (Instant::now(), cpu_s()?);
                let found = data.fit(method, learners)?;
                wall = wall.min(start.elapsed().as_secs_f64());
                cpu = cpu.min(cpu_s()? - before);
                if fit == 0 {
                    println!("{method}_{learners}_estimate,{}", found.estimate);
                    println!("{method}_{learners}_std_error,{}", found.std_error);
                }
            }
            println!("{method}_{learners}_wall_s,{wall}\n{method}_{learners}_cpu_s,{cpu}");
        }
    }
    Ok(())
}

/// Peak memory of one fit to uniform covariates with a confounded treatment.
fn memory(n: usize, p: usize, method: &str, learners: &str) -> anyhow::Result<()> {
    let number = |i: usize, j: u64| uniform(1, &(i as u64).to_le_bytes(), j);
    let x = Array2::from_shape_fn((n, p), |(i, j)| number(i, j as u64));
    let d: Vec<f64> = (0..n)
        .map(|i| f64::from(u8::from(number(i, 1000) < 0.25 + 0.5 * x[[i, 0]])))
        .collect();
    let y: Vec<f64> = (0..n).map(|i| x[[i, 1]] + d[i] + number(i, 1001) - 0.5).collect();
    let data = Data::new(y, d, x)?;
    println!("peak_before_bytes,{}", peak_bytes()?);
    let start = Instant::now();
    let found = data.fit(method, learners)?;
    println!("wall_s,{}", start.elapsed().as_secs_f64());
    println!("estimate,{}", found.estimate);
    println!("peak_bytes,{}\ndata_bytes,{}", peak_bytes()?, 8 * n * (p + 2));
    Ok(())
}
