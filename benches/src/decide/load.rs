//! The load: a thread of its own asks over kept connections, one after the other or by the clock.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use ceteris_chassis::pool;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::decide::exchange::Connection;
use crate::latencies::Latencies;
use crate::machine;
use crate::schedule::Schedule;

/// How long replies may be waited for once no more requests come.
const DRAIN: Duration = Duration::from_secs(30);

/// What is asked, and of whom.
#[derive(Clone)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    /// Whole requests; asked for in turn.
    pub(crate) requests: Arc<Vec<Vec<u8>>>,
    pub(crate) connections: usize,
}

/// What came of it.
pub(crate) struct Taken {
    pub(crate) count: u64,
    pub(crate) took: Duration,
    pub(crate) latencies: Latencies,
    /// What this process spent on the processor, without the load.
    pub(crate) server_cpu: Option<Duration>,
}

impl Taken {
    pub(crate) fn nothing() -> Taken {
        Taken {
            count: 0,
            took: Duration::ZERO,
            latencies: Latencies::new(),
            server_cpu: Some(Duration::ZERO),
        }
    }

    pub(crate) fn add(&mut self, more: Taken) {
        self.count += more.count;
        self.took += more.took;
        self.latencies.add(&more.latencies);
        self.server_cpu = self.server_cpu.zip(more.server_cpu).map(|(a, b)| a + b);
    }
}

impl Load {
    /// Each connection asks again as soon as it is answered, for this long.
    pub(crate) async fn closed_loop(&self, span: Duration) -> anyhow::Result<Taken> {
        self.on_a_thread(span, async move |load| {
            let connections = load.connect().await?;
            let started = Instant::now();
            let until = started + span;
            let mut tasks = JoinSet::new();
            for (number, mut connection) in connections.into_iter().enumerate() {
                let requests = Arc::clone(&load.requests);
                tasks.spawn(async move {
                    let mut latencies = Latencies::new();
                    for request in requests.iter().cycle().skip(number) {
                        let asked = Instant::now();
                        if asked >= until {
                            break;
                        }
                        connection.ask(request).await?;
                        latencies.record(asked.elapsed());
                    }
                    anyhow::Ok(latencies)
                });
            }
            joined(tasks, started).await
        })
        .await
    }

    /// Requests come due `rate` times a second for this long, whether those before are answered or not; each takes the
    /// first connection that is free. Latency counts from when it was due.
    pub(crate) async fn open_loop(&self, rate: u32, span: Duration) -> anyhow::Result<Taken> {
        self.on_a_thread(span, async move |load| {
            let connections = load.connect().await?;
            let (arrivals, next) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicU64::new(0)));
            let schedule = Schedule::new(rate, span);
            // A thread that ends with the schedule, also where the load fails.
            schedule.release(Arc::clone(&arrivals), load.connections);
            let mut tasks = JoinSet::new();
            for mut connection in connections {
                let (requests, arrivals, next) = (
                    Arc::clone(&load.requests),
                    Arc::clone(&arrivals),
                    Arc::clone(&next),
                );
                tasks.spawn(async move {
                    let mut latencies = Latencies::new();
                    loop {
                        arrivals.acquire().await.context("wait for an arrival")?.forget();
                        // Arrivals are handed out in order, so the n-th one is the n-th due.
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        if n >= schedule.count() {
                            return anyhow::Ok(latencies);
                        }
                        let request = &requests[n as usize % requests.len()];
                        connection.ask(request).await?;
                        latencies.record(schedule.due(n).elapsed());
                    }
                });
            }
            joined(tasks, schedule.start()).await
        })
        .await
    }

    async fn connect(&self) -> anyhow::Result<Vec<Connection>> {
        anyhow::ensure!(!self.requests.is_empty(), "there is nothing to ask for");
        let mut connections = Vec::with_capacity(self.connections);
        for _ in 0..self.connections {
            connections.push(Connection::open(self.address).await?);
        }
        Ok(connections)
    }

    /// Runs a load with a runtime of its own on one thread, bounded in time, and tells what the rest of this process
    /// spent meanwhile.
    async fn on_a_thread<F>(&self, span: Duration, work: F) -> anyhow::Result<Taken>
    where
        F: AsyncFnOnce(Load) -> anyhow::Result<Taken> + Send + 'static,
    {
        let load = self.clone();
        let thread = move || -> anyhow::Result<Taken> {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .context("start the load")?;
            let spent = || machine::cpu_of_process().zip(machine::cpu_of_thread());
            let before = spent();
            let mut taken = runtime
                .block_on(async { tokio::time::timeout(span + DRAIN, work(load)).await })
                .map_err(|_| {
                    anyhow::anyhow!(
                        "requests were unanswered {} s after the last one; ask for fewer with --rate",
                        DRAIN.as_secs()
                    )
                })??;
            taken.server_cpu = before.zip(spent()).map(|((all, load), (all_now, load_now))| {
                all_now
                    .saturating_sub(all)
                    .saturating_sub(load_now.saturating_sub(load))
            });
            Ok(taken)
        };
        pool::run(thread).await.context("the load ended abnormally")?
    }
}

async fn joined(mut tasks: JoinSet<anyhow::Result<Latencies>>, started: Instant) -> anyhow::Result<Taken> {
    let mut latencies = Latencies::new();
    while let Some(ended) = tasks.join_next().await {
        latencies.add(&ended.context("a connection ended abnormally")??);
    }
    Ok(Taken {
        count: latencies.quantiles().count,
        took: started.elapsed(),
        latencies,
        server_cpu: None,
    })
}
