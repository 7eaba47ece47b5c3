//! Seconds of the causal forest, for `benches/forests.py` to set beside a peer's in the same run.
//!
//! `forest_speed TRAIN TEST` reads a training table (y, d, x...) and rows to ask (tau, x...) and prints `what,value`
//! lines: fits of 100, 500 and 2 000 trees with nuisances (least wall and least CPU time of three), bytes of the arrays,
//! one row with its interval (quantiles of all questions, and of the quietest two hundred in a row), the rows as one
//! batch, and four arms of a linear effect. `forest_speed large N P TREES` fits one forest to N simulated rows of P
//! numbers. Threads are those of `RAYON_NUM_THREADS`.
#![allow(
    clippy::disallowed_methods,
    reason = "an example takes arguments, reads files and measures time"
)]
#![allow(clippy::print_stdout)]

mod support;

use std::hint::black_box;
use std::time::Instant;

use anyhow::Context;
use ceteris_effect::forest::{Covariates, Forest};
use ceteris_effect::{Effect, LinearEffect};
use ceteris_estimate::effect::fit_basis;
use ceteris_estimate::forest::{
    CentringLearners, FittedForest, ForestParams, TreatmentLearner, causal_forest,
};
use ceteris_estimate::learner::{BasisParams, Design, Linear, Logistic};
use ceteris_estimate::{Arms, Progress, PropensitySource, Sample, Treatment, unwatched};
use ceteris_stats::{Unit, uniform};
use ndarray::{Array2, s};

use crate::support::{cpu_s, read};

/// Times that each fit and each batch is repeated; the least is told, for other work on the machine only adds.
const REPEATS: usize = 3;
/// Batches: together they take long enough for the kernel's ticks.
const BATCHES: usize = 20;
/// Questions of one row, timed one by one.
const QUESTIONS: usize = 20_000;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match &args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["large", n, p, trees] => large(n.parse()?, p.parse()?, trees.parse()?),
        [train, test] => compare(&read(train)?, &read(test)?),
        _ => anyhow::bail!("usage: forest_speed TRAIN TEST | forest_speed large N P TREES"),
    }
}

fn fit(
    x: &Covariates,
    y: &[f64],
    arms: &[usize],
    trees: usize,
    basis: BasisParams,
    watch: &(dyn Fn(Progress) -> std::ops::ControlFlow<()> + Sync),
) -> anyhow::Result<FittedForest> {
    let sample = Sample {
        y,
        d: Treatment::Arms(Arms {
            of_row: arms,
            count: 2,
        }),
        z: None,
        x,
        weight: None,
        unit: &Unit::one_per_row(y.len()),
        cluster: None,
    };
    let ml_m = Logistic::logit_l2(BasisParams::spline(6), 1.0);
    let params = ForestParams {
        trees,
        ..ForestParams::default()
    };
    let learners = CentringLearners {
        l: &Linear::ridge_gcv(basis),
        m: TreatmentLearner::Arms(PropensitySource::Learned(&ml_m)),
    };
    Ok(causal_forest(&params.check()?, &sample, learners, 5, watch)?)
}

fn compare(train: &Array2<f64>, test: &Array2<f64>) -> anyhow::Result<()> {
    let y = train.column(0).to_vec();
    let arms: Vec<usize> = train.column(1).iter().map(|d| *d as usize).collect();
    let x = Covariates::numeric(train.slice(s![.., 2..]).to_owned())?;
    let fresh = Covariates::numeric(test.slice(s![.., 1..]).to_owned())?;
    let (mut asked, mut size) = (None, 0);
    for trees in [100, 500, 2000] {
        let (mut wall, mut cpu) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..REPEATS {
            let (start, before) = (Instant::now(), cpu_s()?);
            let fitted = fit(
                &x,
                &y,
                &arms,
                trees,
                BasisParams::spline(6).with_interactions(),
                &unwatched,
            )?;
            wall = wall.min(start.elapsed().as_secs_f64());
            cpu = cpu.min(cpu_s()? - before);
            if trees == 500 {
                asked = Some(fitted.grown.forest);
            } else {
                size = bytes(&fitted.grown.forest);
            }
        }
        println!("fit_{trees}_wall_s,{wall}\nfit_{trees}_cpu_s,{cpu}");
    }
    println!("bytes_2000,{size}");
    questions(&asked.context("500 trees are among them")?, &fresh)?;
    linear(&fresh)
}

fn bytes(forest: &Forest) -> usize {
    let parts = forest.parts();
    8 * (parts.cuts.len() + parts.leaves.len() + parts.node_next.len()) + 4 * parts.roots.len()
}

fn questions(forest: &Forest, fresh: &Covariates) -> anyhow::Result<()> {
    let rows: Vec<Vec<f64>> = (0..fresh.n()).map(|i| fresh.row(i).to_vec()).collect();
    let (mut scratch, mut out) = (forest.scratch(), vec![forest.unknown(); forest.outputs()]);
    let mut took = Vec::with_capacity(QUESTIONS);
    for i in 0..QUESTIONS {
        let start = Instant::now();
        forest.predict(black_box(&rows[i % rows.len()]), &mut scratch, &mut out)?;
        took.push(start.elapsed().as_secs_f64() * 1e6);
        black_box(&out);
    }
    tell("row_500", &mut took);
    let (mut least, before) = (f64::INFINITY, cpu_s()?);
    for _ in 0..BATCHES {
        let start = Instant::now();
        black_box(forest.predict_all(fresh)?);
        least = least.min(start.elapsed().as_secs_f64());
    }
    let cpu = (cpu_s()? - before) / BATCHES as f64;
    let rate = |seconds: f64| fresh.n() as f64 / seconds;
    println!("batch_500_rows_per_wall_s,{}", rate(least));
    println!("batch_500_rows_per_cpu_s,{}", rate(cpu));
    Ok(())
}

/// Quantiles over all questions, and those of the two hundred in a row with the least p99: other work on the machine takes
/// the processor away for milliseconds, which the quietest stretch was spared.
fn tell(name: &str, took: &mut [f64]) {
    let at = |took: &mut [f64], share: f64| {
        took.sort_by(f64::total_cmp);
        took[((took.len() - 1) as f64 * share) as usize]
    };
    let quiet = |took: &mut [f64]| (at(took, 0.99), at(took, 0.5));
    let least = took.chunks_mut(200).map(quiet).min_by(|a, b| a.0.total_cmp(&b.0));
    let (p99, p50) = least.unwrap_or((f64::NAN, f64::NAN));
    println!("{name}_quiet_p50_us,{p50}\n{name}_quiet_p99_us,{p99}");
    println!(
        "{name}_p50_us,{}\n{name}_p99_us,{}",
        at(took, 0.5),
        at(took, 0.99)
    );
}

/// Four arms of ten modifiers with errors; timed by the hundred, for one is too short for the clock.
fn linear(fresh: &Covariates) -> anyhow::Result<()> {
    let columns = fresh.columns().iter().cloned();
    let table = Design::from_columns(
        columns
            .enumerate()
            .map(|(j, c)| (c, fresh.values().column(j).to_vec()))
            .collect(),
    )?;
    let names: Vec<&str> = fresh.columns().iter().map(|c| c.name.as_str()).collect();
    let basis = fit_basis(&table, &names, &vec![1.0; fresh.n()])?;
    let q = basis.q();
    let arms: Vec<LinearEffect> = (0..4)
        .map(|a| LinearEffect {
            basis: basis.clone(),
            beta: (0..q).map(|j| (a + j) as f64).collect(),
            cov: (0..q * q)
                .map(|j| f64::from(u8::from(j % (q + 1) == 0)))
                .collect(),
        })
        .collect();
    let rows: Vec<Vec<f64>> = (0..fresh.n()).map(|i| fresh.row(i).to_vec()).collect();
    let mut phi = vec![0.0; q];
    let mut out = [Effect {
        tau: 0.0,
        std_error: 0.0,
    }; 4];
    let mut took = Vec::new();
    for hundred in rows.chunks(100).cycle().take(2000) {
        let start = Instant::now();
        for row in hundred {
            basis.expand(black_box(row), &mut phi);
            out.iter_mut()
                .zip(&arms)
                .for_each(|(out, arm)| *out = arm.at(&phi));
            black_box(&out);
        }
        took.push(start.elapsed().as_secs_f64() * 1e6 / hundred.len() as f64);
    }
    tell("linear_4_arms", &mut took);
    Ok(())
}

/// A forest on many rows: uniform covariates, a confounded treatment, an effect with a kink.
fn large(n: usize, p: usize, trees: usize) -> anyhow::Result<()> {
    let number = |i: usize, j: u64| uniform(1, &(i as u64).to_le_bytes(), j);
    let x = Array2::from_shape_fn((n, p), |(i, j)| number(i, j as u64));
    let arms: Vec<usize> = (0..n)
        .map(|i| usize::from(number(i, 1000) < 0.25 + 0.5 * x[[i, 0]]))
        .collect();
    let tau = |i: usize| (x[[i, 1]] - 0.5).max(0.0);
    let y: Vec<f64> = (0..n)
        .map(|i| x[[i, 2]] + tau(i) * arms[i] as f64 + number(i, 1001) - 0.5)
        .collect();
    let truth: Vec<f64> = (0..n).map(tau).collect();
    let x = Covariates::numeric(x)?;
    let start = Instant::now();
    let last = std::sync::Mutex::new(Instant::now());
    let watch = |progress: Progress| {
        if let Ok(mut last) = last.lock()
            && last.elapsed().as_secs() >= 10
        {
            *last = Instant::now();
            println!(
                "{} of {} after {:.0} s",
                progress.done,
                progress.total,
                start.elapsed().as_secs_f64()
            );
        }
        std::ops::ControlFlow::Continue(())
    };
    let fitted = fit(&x, &y, &arms, trees, BasisParams::spline(6), &watch)?;
    println!(
        "fit_wall_s,{:.1}\nfit_cpu_s,{:.1}",
        start.elapsed().as_secs_f64(),
        cpu_s()?
    );
    let forest = &fitted.grown.forest;
    println!("bytes,{}", bytes(forest));
    let few = x.select(&(0..n.min(2000)).collect::<Vec<_>>());
    let start = Instant::now();
    let effects = forest.predict_all(&few)?;
    let squares: f64 = effects.iter().zip(&truth).map(|(e, t)| (e.tau - t).powi(2)).sum();
    println!(
        "rmse_first_{},{:.4} in {:.2} s",
        few.n(),
        (squares / few.n() as f64).sqrt(),
        start.elapsed().as_secs_f64()
    );
    Ok(())
}
