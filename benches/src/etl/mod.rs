//! `ceteris bench etl`: a lake of events into a dataset, beside the same features and outcomes worked out by DuckDB.

mod duckdb;
mod export;
mod filled;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use ceteris_contract::problem::Problem;
use ceteris_etl::{Made, Progress, Request, Stage as Pass, Watermarks, Workers};
use ceteris_lake::Lake;
use serde_json::json;

use crate::cli;
use crate::latencies::Latencies;
use crate::machine::{self, Machine, Memory};
use crate::report::{Case, Figures, Report};
use crate::shop;
use ceteris_house::Scratch;
use ceteris_terminal::Stage;

const DUCKDB: &str = "DuckDB: five of the columns, from one Parquet file of the same events";
const DUCKDB_JOINS: &str = "DuckDB: the joins alone, from typed tables in memory";

pub(crate) async fn run(args: cli::Etl) -> anyhow::Result<Report> {
    let machine = Machine::look();
    let duck = args
        .python
        .as_deref()
        .map(duckdb::Interpreter::find)
        .transpose()?;
    let world = shop::world(args.users, args.seed)?;
    let (problem, _) = shop::problem()?;
    let folder = Scratch::new(None, "bench")?;
    let (lake, events) = filled::lake(&folder.path().join("lake"), &world).await?;
    let threads = machine.cores;
    let bench = Etl {
        lake,
        problem,
        request: Request {
            as_of: world.end(),
            watermarks: Watermarks::All(world.end()),
            seed: args.seed,
            lake_version: None,
        },
        pool: Arc::new(
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .context("start the CPU pool")?,
        ),
    };
    let (made, took, cpu) = bench.runs(args.repeats).await?;
    let memory = Memory::of_this_process();
    let buckets = bench.buckets(&made).await?;
    let (runs, rows) = (u64::from(args.repeats), made.dataset.len() as u64);
    let of_events = Figures::of(events * runs, took).cpu(cpu);
    let of_rows = Figures::of(rows * runs, took).latency(&buckets);

    let mut cases = vec![Case::alone(
        "rows of the dataset; latency of one bucket's task",
        "rows",
        of_rows,
    )];
    match duck {
        None => cases.insert(0, Case::alone("events of the lake", "events", of_events)),
        Some(duck) => {
            let files = export::write(folder.path(), &world, &made).await?;
            let theirs = duck.run(folder.path(), &files, threads, args.repeats).await?;
            let figures = |seconds, cpu| {
                let spent = Duration::from_secs_f64(cpu);
                Figures::of(events, Duration::from_secs_f64(seconds)).cpu(Some(spent))
            };
            let (whole, joins) = (
                figures(theirs.seconds(), theirs.cpu_seconds()),
                figures(theirs.join_seconds, theirs.join_cpu_seconds),
            );
            let name = "events of the lake into the dataset";
            cases.insert(0, Case::by_rate(name, "events", of_events.clone(), whole, DUCKDB));
            cases.insert(1, Case::by_rate(name, "events", of_events, joins, DUCKDB_JOINS));
        }
    }
    Ok(Report {
        bench: "etl",
        settings: json!({
            "users": args.users, "seed": args.seed, "repeats": args.repeats, "threads": threads,
            "events": events, "rows": rows, "buckets": made.plan.buckets,
        }),
        cases,
        memory,
        machine: machine.again(),
    })
}

struct Etl {
    lake: Lake,
    problem: Arc<Problem>,
    request: Request,
    pool: Arc<rayon::ThreadPool>,
}

impl Etl {
    /// Makes the dataset again and again; answers the last, and what all of them took.
    async fn runs(&self, repeats: u32) -> anyhow::Result<(Made, Duration, Option<Duration>)> {
        let stage = Stage::start("etl", 0);
        let progress = |progress: Progress| {
            if progress.stage == Pass::Buckets {
                stage.total(progress.total as u64);
                stage.at(progress.done as u64);
            }
        };
        let workers = Workers {
            pool: &self.pool,
            work_dir: None,
            progress: &progress,
        };
        let (started, cpu) = (Instant::now(), machine::cpu_of_process());
        let mut last = None;
        for _ in 0..repeats {
            let made = ceteris_etl::run(&self.lake, &self.problem, &self.request, &workers).await;
            last = Some(made.context("make the dataset")?);
        }
        let took = started.elapsed();
        let cpu = machine::cpu_of_process()
            .zip(cpu)
            .map(|(now, then)| now.saturating_sub(then));
        let made = last.context("--repeats: give at least 1")?;
        stage.done(&format!("{} rows, {repeats} times", made.dataset.len()));
        Ok((made, took, cpu))
    }

    /// Times each bucket's task by itself, as Spark or a Kubernetes job would run it.
    async fn buckets(&self, made: &Made) -> anyhow::Result<Latencies> {
        let workers = Workers {
            pool: &self.pool,
            work_dir: None,
            progress: &|_| {},
        };
        let mut latencies = Latencies::new();
        for bucket in 0..made.plan.buckets {
            let started = Instant::now();
            let part = ceteris_etl::run_bucket(&self.lake, &self.problem, &made.plan, bucket, &workers).await;
            part.context("make one bucket's part")?;
            latencies.record(started.elapsed());
        }
        Ok(latencies)
    }
}
