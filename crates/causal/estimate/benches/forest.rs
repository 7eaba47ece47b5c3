//! Speed of the causal forest by itself; `benches/forests.py` sets it beside a peer's in one run.
//!
//! `RAYON_NUM_THREADS=1 cargo bench -p ceteris-estimate --bench forest`: a fit of 2 000 trees (n = 4 000, p = 10), one row
//! with its interval and a batch of rows by 500 trees. Beside criterion's means it prints the p50 and p99 of one row
//! and the bytes of the arrays.
#![allow(clippy::disallowed_methods, reason = "a bench measures time")]
#![allow(missing_docs, clippy::print_stdout)]

use std::hint::black_box;
use std::time::Instant;

use ceteris_effect::forest::{Covariates, Forest};
use ceteris_estimate::forest::{ForestParams, grow};
use ceteris_estimate::{ForestSample, unwatched};
use ceteris_stats::{Unit, uniform};
use criterion::{Criterion, criterion_group, criterion_main};
use ndarray::Array2;

/// Rows asked one by one.
const QUESTIONS: usize = 20_000;

struct Sample {
    x: Covariates,
    y: Vec<f64>,
    d: Array2<f64>,
    units: Vec<Unit>,
}

/// Normal covariates, a kinked effect, residuals as nuisances would leave them.
fn sample(n: usize, p: usize) -> Sample {
    let number = |i: usize, j: usize| uniform(1, &((i * 100 + j) as u64).to_le_bytes(), 7);
    let normal = |i: usize, j: usize| {
        let (u, v) = (number(i, 2 * j), number(i, 2 * j + 1));
        (-2.0 * (1.0 - u).ln()).sqrt() * (2.0 * std::f64::consts::PI * v).cos()
    };
    let x = Array2::from_shape_fn((n, p), |(i, j)| normal(i, j));
    let share = |i: usize| 1.0 / (1.0 + (-x[[i, 0]]).exp());
    let d = Array2::from_shape_fn((n, 1), |(i, _)| {
        f64::from(u8::from(number(i, 98) < share(i))) - share(i)
    });
    let y = (0..n)
        .map(|i| d[[i, 0]] * x[[i, 1]].max(0.0) + normal(i, 45))
        .collect();
    Sample {
        x: Covariates::numeric(x.clone()).expect("finite numbers"),
        y,
        d,
        units: Unit::one_per_row(n),
    }
}

fn fit(sample: &Sample, trees: usize) -> Forest {
    let rows = ForestSample {
        y: &sample.y[..],
        d: sample.d.view(),
        z: None,
        x: &sample.x,
        weight: None,
        unit: &sample.units,
        cluster: None,
    };
    let params = ForestParams {
        trees,
        ..ForestParams::default()
    };
    let params = params.check().expect("parameters in range");
    grow(&params, &rows, &unwatched).expect("a forest").forest
}

fn fits(c: &mut Criterion) {
    let data = sample(4000, 10);
    let start = Instant::now();
    let forest = fit(&data, 2000);
    let took = start.elapsed().as_secs_f64();
    let parts = forest.parts();
    let bytes = 8 * (parts.cuts.len() + parts.leaves.len() + parts.node_next.len()) + 4 * parts.roots.len();
    println!(
        "fit of 2 000 trees: {took:.2} s; arrays {:.1} MB",
        bytes as f64 / 1e6
    );
    let mut group = c.benchmark_group("forest");
    group.sample_size(10);
    group.bench_function("fit 2000 trees, n 4000, p 10", |b| {
        b.iter(|| fit(black_box(&data), 2000))
    });
    group.finish();
}

fn questions(c: &mut Criterion) {
    let forest = fit(&sample(4000, 10), 500);
    let fresh = sample(QUESTIONS, 10);
    let rows: Vec<Vec<f64>> = (0..QUESTIONS).map(|i| fresh.x.row(i).to_vec()).collect();
    let (mut scratch, mut out) = (forest.scratch(), [forest.unknown()]);
    let mut ask = |row: &[f64]| {
        forest
            .predict(black_box(row), &mut scratch, &mut out)
            .expect("a row of ten");
        out[0].tau
    };
    let mut took: Vec<f64> = rows
        .iter()
        .map(|row| {
            let start = Instant::now();
            black_box(ask(row));
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    took.sort_by(f64::total_cmp);
    let (p50, p99) = (took[QUESTIONS / 2], took[QUESTIONS * 99 / 100]);
    println!("one row, 500 trees, with its interval: p50 {p50:.1} us, p99 {p99:.1} us");
    let mut group = c.benchmark_group("forest");
    let mut at = 0;
    group.bench_function("one row with its interval, 500 trees", |b| {
        b.iter(|| {
            at = (at + 1) % QUESTIONS;
            ask(&rows[at])
        });
    });
    let batch = sample(4000, 10);
    group.sample_size(20);
    group.bench_function("4000 rows with their intervals, 500 trees", |b| {
        b.iter(|| forest.predict_all(black_box(&batch.x)).expect("rows of ten"));
    });
    group.finish();
}

criterion_group!(benches, fits, questions);
criterion_main!(benches);
