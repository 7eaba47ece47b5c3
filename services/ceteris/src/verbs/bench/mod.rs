//! `ceteris bench`: how fast each part is, beside what the machine allows in the same run.
//!
//! Left out: any judgement. A ratio is printed, never tested.

mod decide;
mod etl;
mod ingest;
mod latencies;
mod machine;
mod report;
mod schedule;
mod shop;
mod store;

use crate::cli::{BenchVerb, Format};
use crate::output::print;

/// Measures, and prints one report.
pub(crate) async fn run(format: Format, verb: BenchVerb) -> anyhow::Result<()> {
    let report = match verb {
        BenchVerb::Decide(args) => decide::run(args).await?,
        BenchVerb::Ingest(args) => ingest::run(args).await?,
        BenchVerb::Store(args) => store::run(args).await?,
        BenchVerb::Etl(args) => etl::run(args).await?,
    };
    print(format, &report, || report.text())
}
