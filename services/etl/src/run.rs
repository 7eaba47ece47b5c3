//! A whole run: plan, every bucket, finish.

use std::path::PathBuf;
use std::sync::Arc;

use ceteris_contract::problem::Problem;
use ceteris_lake::Lake;
use futures::FutureExt;
use rayon::ThreadPool;

use crate::buckets::{each_bucket, on_pool};
use crate::error::EtlError;
use crate::finish::{Made, finish};
use crate::load::{Depth, Pinned, in_order, read};
use crate::part::{self, Part};
use crate::plan::{Plan, plan_over};
use crate::replay::replay;
use crate::request::{Request, Stage, Workers};
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
    run_at(lake, problem, request, None, workers).await
}

/// As [`run`], with the table `decisions` at a version too; at its newest where it is left out.
///
/// # Errors
/// [`EtlError`].
pub async fn run_at(
    lake: &Lake,
    problem: &Problem,
    request: &Request,
    decisions_version: Option<u64>,
    workers: &Workers<'_>,
) -> Result<Made, EtlError> {
    let spec = Arc::new(Spec::compile(problem)?);
    let pinned = Pinned::of(lake, request.lake_version, decisions_version).await?;
    let plan = plan_over(&pinned, lake.buckets(), problem, &spec, request, workers).await?;
    let task = BucketTask::new(pinned, spec, plan, workers)?;
    let plan = Arc::clone(&task.plan);
    let parts = each_bucket(plan.buckets, Stage::Buckets, workers, |bucket| {
        task.clone().run(bucket).boxed()
    })
    .await?;
    let (problem, plan) = (problem.clone(), Plan::clone(&plan));
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
    let pinned = Pinned::of(lake, Some(plan.events_version()), Some(plan.decisions_version())).await?;
    BucketTask::new(pinned, spec, plan.clone(), workers)?
        .run(bucket)
        .await
}

/// What the tasks of one plan share.
#[derive(Clone)]
struct BucketTask {
    pinned: Pinned,
    spec: Arc<Spec>,
    plan: Arc<Plan>,
    digest: String,
    pool: Arc<ThreadPool>,
    work_dir: Option<PathBuf>,
}

impl BucketTask {
    fn new(pinned: Pinned, spec: Arc<Spec>, plan: Plan, workers: &Workers<'_>) -> Result<Self, EtlError> {
        let digest = plan.digest();
        let work_dir = workers.work_dir.map(PathBuf::from);
        if let Some(work_dir) = &work_dir {
            part::prepare(work_dir, &digest)?;
        }
        Ok(BucketTask {
            pinned,
            spec,
            plan: Arc::new(plan),
            digest,
            pool: Arc::clone(workers.pool),
            work_dir,
        })
    }

    async fn run(self, bucket: u16) -> Result<Part, EtlError> {
        let BucketTask {
            pinned,
            spec,
            plan,
            digest,
            pool,
            work_dir,
        } = self;
        if let Some(part) = work_dir
            .as_deref()
            .and_then(|work_dir| Part::read(work_dir, &digest, bucket))
        {
            return Ok(part);
        }
        let raw = read(&pinned, &spec, bucket, Depth::Rows).await?;
        on_pool(&pool, move || {
            let (dataset, counts) = replay(&spec, &plan, &in_order(raw))?;
            let part = Part {
                bucket,
                plan: digest,
                dataset,
                counts,
            };
            if let Some(work_dir) = work_dir {
                part.write(&work_dir)?;
            }
            Ok(part)
        })
        .await?
    }
}
