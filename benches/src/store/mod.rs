//! `ceteris bench store`: decision records into the store as the tracker writes them, beside the same rows written raw: one
//! `COPY` into a plain table (PostgreSQL), inserts in one transaction (SQLite).

#[cfg(feature = "postgres")]
mod raw_postgres;
mod raw_sqlite;
mod records;
mod twins;

use std::time::{Duration, Instant};

use anyhow::Context;
use ceteris_store::Batch;
use serde_json::json;

use crate::cli::Store;
use crate::latencies::Latencies;
use crate::machine::{Machine, Memory};
use crate::report::{Case, Figures, Report};
use crate::shop;
use crate::store::records::Records;
use crate::store::twins::Twins;
use ceteris_house::Scratch;
use ceteris_terminal::Stage;

/// The topic whose position moves; no log has it.
const TOPIC: &str = "ceteris-bench";
/// Enough people for a model; the records are theirs.
const USERS: u32 = 1_000;
const SEED: u64 = 1;

pub(crate) async fn run(args: Store) -> anyhow::Result<Report> {
    let machine = Machine::look();
    let folder = Scratch::new(None, "bench")?;
    let mut twins = match &args.store {
        Some(url) => twins::postgres(url).await?,
        None => twins::sqlite(folder.path()).await?,
    };
    let world = folder.path().join("world");
    shop::settle(&world, USERS, SEED).await?;
    let mut records = Records::open(&world).await?;
    let measured = measure(&args, &mut twins, &mut records).await;
    // Also where something failed: what was written is nobody's decision.
    let cleaned = twins.clean().await;
    let (ours, raw) = measured?;
    cleaned?;
    let case = Case::by_rate(twins.name, "rows", ours, raw, twins.raw_is);
    Ok(Report {
        bench: "store",
        settings: json!({
            "decisions": args.decisions, "batch": args.batch, "backend": twins.name,
            "bytes_per_record": records.bytes_mean(),
        }),
        cases: vec![case],
        memory: Memory::of_this_process(),
        machine: machine.again(),
    })
}

async fn measure(
    args: &Store,
    twins: &mut Twins,
    records: &mut Records,
) -> anyhow::Result<(Figures, Figures)> {
    let stage = Stage::start("store", args.decisions);
    let (mut ours, mut raw) = (Written::default(), Written::default());
    let mut next = 0;
    while next < args.decisions {
        let size = args.decisions.min(next + u64::from(args.batch)) - next;
        let batch = Batch {
            topic: TOPIC.to_owned(),
            partition: 0,
            expected_next: next,
            next: next + size,
            records: records.take(size)?,
        };
        // Turn about, so that neither always finds the disk as the other left it.
        let raw_first = next / u64::from(args.batch) % 2 == 1;
        if raw_first {
            raw.add(size, twins.raw.append(&batch.records).await?);
        }
        let started = Instant::now();
        let appended = twins.store.append(&batch).await.context("store decisions")?;
        ours.add(size, started.elapsed());
        anyhow::ensure!(
            appended.inserted == size,
            "the store took {} of {size} rows",
            appended.inserted
        );
        if !raw_first {
            raw.add(size, twins.raw.append(&batch.records).await?);
        }
        next += size;
        stage.at(next);
    }
    stage.done(&format!("{next} rows, twice,"));
    Ok((ours.figures(), raw.figures()))
}

/// Rows, and how long each batch of them took.
struct Written {
    rows: u64,
    took: Duration,
    latencies: Latencies,
}

impl Default for Written {
    fn default() -> Self {
        Written {
            rows: 0,
            took: Duration::ZERO,
            latencies: Latencies::new(),
        }
    }
}

impl Written {
    fn add(&mut self, rows: u64, took: Duration) {
        self.rows += rows;
        self.took += took;
        self.latencies.record(took);
    }

    /// The latency is that of a batch.
    fn figures(&self) -> Figures {
        Figures::of(self.rows, self.took).latency(&self.latencies)
    }
}
