//! A whole run, and how buckets are worked on: reads on the runtime, replay on the pool.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use ceteris_contract::problem::Problem;
use ceteris_lake::{EventRow, Lake, Snapshot};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::oneshot;

use crate::error::EtlError;
use crate::finish::{Made, finish};
use crate::load::{Depth, in_order, read};
use crate::part::{self, Part};
use crate::plan::{Plan, plan_over};
use crate::replay::replay;
use crate::request::{Progress, Request, Stage, Workers};
use crate::spec::Spec;

/// Makes a dataset: plan, every bucket, finish.
///
/// # Errors
/// [`EtlError`].
pub async fn run(
    lake: &Lake,
    problem: &Problem,
    request: &Request,
    workers: &Workers<'_>,
) -> Result<Made, EtlError> {
    let spec = Arc::new(Spec::compile(problem)?);
    let snapshot = lake.events().snapshot(request.lake_version).await?;
    let plan = Arc::new(plan_over(&snapshot, lake.buckets(), problem, &spec, request, workers).await?);
    let digest = plan.digest();
    if let Some(work_dir) = workers.work_dir {
        part::prepare(work_dir, &digest)?;
    }
    let task = async |bucket| bucket_task(&snapshot, &spec, &plan, &digest, bucket, workers).await;
    let parts = each_bucket(plan.buckets, Stage::Buckets, workers, task).await?;
    let (problem, plan) = (problem.clone(), Arc::unwrap_or_clone(plan));
    let made = on_pool(workers.pool, move || finish(&problem, plan, parts)).await??;
    tracing::info!(
        dataset.rows = made.report.rows,
        dataset.digest = made.digest,
        opportunities = made.report.counts.opportunities,
        "dataset made"
    );
    Ok(made)
}

/// One bucket of a plan, for those who spread the tasks themselves. Kept in, or taken from, the work folder.
///
/// # Errors
/// [`EtlError`].
pub async fn run_bucket(
    lake: &Lake,
    problem: &Problem,
    plan: &Plan,
    bucket: u16,
    workers: &Workers<'_>,
) -> Result<Part, EtlError> {
    let spec = Arc::new(Spec::compile(problem)?);
    let snapshot = lake.events().snapshot(Some(plan.events_version())).await?;
    let plan = Arc::new(plan.clone());
    let digest = plan.digest();
    if let Some(work_dir) = workers.work_dir {
        part::prepare(work_dir, &digest)?;
    }
    bucket_task(&snapshot, &spec, &plan, &digest, bucket, workers).await
}

async fn bucket_task(
    snapshot: &Snapshot<EventRow>,
    spec: &Arc<Spec>,
    plan: &Arc<Plan>,
    digest: &str,
    bucket: u16,
    workers: &Workers<'_>,
) -> Result<Part, EtlError> {
    if let Some(part) = workers.work_dir.and_then(|work_dir| Part::read(work_dir, digest, bucket)) {
        return Ok(part);
    }
    let copies = read(snapshot, spec, bucket, Depth::Rows).await?;
    let (spec, plan, digest) = (Arc::clone(spec), Arc::clone(plan), digest.to_owned());
    let work_dir = workers.work_dir.map(Path::to_owned);
    on_pool(workers.pool, move || {
        let (dataset, counts) = replay(&spec, &plan, &in_order(copies));
        let part = Part { bucket, plan: digest, dataset, counts };
        if let Some(work_dir) = work_dir {
            part.write(&work_dir)?;
        }
        Ok(part)
    })
    .await?
}

/// Runs `task` for each bucket, as many at once as the pool has threads, and gives the results in bucket order.
pub(crate) async fn each_bucket<T>(
    buckets: u16,
    stage: Stage,
    workers: &Workers<'_>,
    task: impl AsyncFn(u16) -> Result<T, EtlError>,
) -> Result<Vec<T>, EtlError> {
    let done = std::sync::atomic::AtomicUsize::new(0);
    let total = usize::from(buckets);
    let task = &task;
    let done = &done;
    stream::iter(0..buckets)
        .map(async |bucket| {
            let result = task(bucket).await?;
            let done = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
            (workers.progress)(Progress { stage, done, total });
            Ok(result)
        })
        .buffered(workers.pool.current_num_threads().max(1))
        .try_collect()
        .await
}

/// Runs `work` on the pool.
pub(crate) async fn on_pool<T: Send + 'static>(
    pool: &rayon::ThreadPool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, EtlError> {
    let (done, result) = oneshot::channel();
    pool.spawn(move || {
        // A panic that reached the pool would end the process.
        let outcome = catch_unwind(AssertUnwindSafe(work));
        // Whoever gave up waiting does not want the result.
        let _ = done.send(outcome);
    });
    result.await.map_err(|_| EtlError::Panicked)?.map_err(|_| EtlError::Panicked)
}
