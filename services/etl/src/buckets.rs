//! How buckets are worked on: reads on the runtime, replay on the pool.

use std::panic::{AssertUnwindSafe, catch_unwind};

use futures::future::BoxFuture;
use futures::{StreamExt, stream};
use rayon::ThreadPool;
use tokio::sync::oneshot;

use crate::error::EtlError;
use crate::request::{Progress, Stage, Workers};

/// Runs `task` for each bucket, as many at once as the pool has threads, and gives the results in bucket order.
pub(crate) async fn each_bucket<T>(
    buckets: u16,
    stage: Stage,
    workers: &Workers<'_>,
    task: impl Fn(u16) -> BoxFuture<'static, Result<T, EtlError>>,
) -> Result<Vec<T>, EtlError> {
    let total = usize::from(buckets);
    let mut results = Vec::with_capacity(total);
    let mut running =
        stream::iter((0..buckets).map(task)).buffered(workers.pool.current_num_threads().max(1));
    while let Some(result) = running.next().await {
        results.push(result?);
        (workers.progress)(Progress {
            stage,
            done: results.len(),
            total,
        });
    }
    Ok(results)
}

/// Runs `work` on the pool.
pub(crate) async fn on_pool<T: Send + 'static>(
    pool: &ThreadPool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, EtlError> {
    let (done, result) = oneshot::channel();
    pool.spawn(move || {
        // A panic that reached the pool would end the process.
        let outcome = catch_unwind(AssertUnwindSafe(work));
        // Whoever gave up waiting does not want the result.
        let _ = done.send(outcome);
    });
    result
        .await
        .map_err(|_| EtlError::Panicked)?
        .map_err(|_| EtlError::Panicked)
}
