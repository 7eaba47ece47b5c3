//! The services as separate processes over one set of servers.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::Context;

use crate::http;
use crate::ports;
use crate::process::Process;
use crate::servers::{Environment, Servers};
use crate::wait::wait_for;

/// How long a service may take to be ready for traffic.
const READY_PATIENCE: Duration = Duration::from_secs(90);

/// A service of the fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Events and decisions into features and lake.
    Ingest,
    /// Lake to dataset.
    Etl,
    /// Dataset to model.
    Trainer,
    /// The decision API.
    Decide,
    /// Decisions into the store.
    Tracker,
}

impl Service {
    /// All of them.
    pub const ALL: [Service; 5] = [
        Service::Ingest,
        Service::Etl,
        Service::Trainer,
        Service::Decide,
        Service::Tracker,
    ];

    /// The program's name.
    pub fn program(self) -> &'static str {
        match self {
            Service::Ingest => "ceteris-ingest",
            Service::Etl => "ceteris-etl",
            Service::Trainer => "ceteris-trainer",
            Service::Decide => "ceteris-decide",
            Service::Tracker => "ceteris-tracker",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.program())
    }
}

#[derive(Debug)]
struct Running {
    process: Process,
    ops: SocketAddr,
}

/// A fleet. Dropping it ends the services, then the servers.
#[derive(Debug)]
pub struct Fleet {
    services: BTreeMap<(Service, u32), Running>,
    /// The servers that the services use.
    pub servers: Servers,
    programs: PathBuf,
    folder: PathBuf,
    environment: Environment,
    api: SocketAddr,
}

impl Fleet {
    /// A fleet without services yet, over `servers`. `programs` is the folder of the built programs, `folder` holds logs
    /// and the decision journal, `environment` is added to that of the servers.
    ///
    /// # Errors
    /// Where a program is missing: build them with `cargo build --features fleet`.
    pub fn new(
        servers: Servers,
        programs: &Path,
        folder: &Path,
        environment: Environment,
    ) -> anyhow::Result<Fleet> {
        for service in Service::ALL {
            anyhow::ensure!(
                programs.join(service.program()).is_file(),
                "{} is not in {}: build the fleet with `cargo xtask fleet --build-only`",
                service.program(),
                programs.display()
            );
        }
        let api = ports::free()?;
        let mut all = servers.environment();
        all.extend(environment);
        all.insert("CETERIS__API__LISTEN".to_owned(), api.to_string());
        let journal = folder.join("journal").display().to_string();
        all.insert("CETERIS__JOURNAL__DIR".to_owned(), journal);
        std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        Ok(Fleet {
            services: BTreeMap::new(),
            servers,
            programs: programs.to_path_buf(),
            folder: folder.to_path_buf(),
            environment: all,
            api,
        })
    }

    /// The variables of every service; those of `ceteris` too.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Where decisions are asked for.
    pub fn api(&self) -> SocketAddr {
        self.api
    }

    /// Where the first worker of a service shows its metrics.
    pub fn ops(&self, service: Service) -> Option<SocketAddr> {
        self.services.get(&(service, 0)).map(|running| running.ops)
    }

    /// Starts the first worker of a service, or starts it again.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn start(&mut self, service: Service) -> anyhow::Result<()> {
        self.start_worker(service, 0)
    }

    /// Starts one of several workers of a service. Each keeps its number, ports and log when started again.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn start_worker(&mut self, service: Service, number: u32) -> anyhow::Result<()> {
        let before = self.services.remove(&(service, number));
        let ops = match before {
            Some(running) => running.ops,
            None => ports::free()?,
        };
        let mut command = Command::new(self.programs.join(service.program()));
        command.envs(&self.environment);
        command.env("CETERIS__OPS__LISTEN", ops.to_string());
        // A static member: a worker that is back within its session takes its partitions up without a rebalance.
        command.env("CETERIS__KAFKA__INSTANCE_ID", format!("{service}-{number}"));
        let log = self.folder.join(format!("{service}-{number}.log"));
        let process = Process::start(service.program(), command, &log)?;
        self.services.insert((service, number), Running { process, ops });
        Ok(())
    }

    /// Waits until the first worker of a service is ready for traffic.
    ///
    /// # Errors
    /// Where it ends, or is not ready in time.
    pub async fn ready(&mut self, service: Service) -> anyhow::Result<()> {
        let running = self
            .services
            .get_mut(&(service, 0))
            .context("the service was not started")?;
        let ops = running.ops;
        let process = &mut running.process;
        let what = format!("{service} to be ready");
        let waited = wait_for(&what, READY_PATIENCE, || {
            let ended = process.check().err();
            async move {
                if let Some(error) = ended {
                    // It has ended, so waiting is useless.
                    return Ok(Some(Err(error)));
                }
                let (status, body) = http::get(ops, "/readyz").await?;
                anyhow::ensure!(status == 200, "/readyz answers {status}: {body}");
                Ok(Some(Ok(())))
            }
        });
        waited.await?
    }

    /// An error if a service has ended.
    ///
    /// # Errors
    /// As said, with the end of its log.
    pub fn check(&mut self) -> anyhow::Result<()> {
        self.services
            .values_mut()
            .try_for_each(|running| running.process.check())
    }

    /// The process of a worker, to be killed, paused or asked.
    ///
    /// # Errors
    /// Where it was not started.
    pub fn worker(&mut self, service: Service, number: u32) -> anyhow::Result<&mut Process> {
        let running = self.services.get_mut(&(service, number));
        running
            .map(|running| &mut running.process)
            .with_context(|| format!("{service} was not started"))
    }

    /// Ends the services in the order in which data flow, decide first; each drains before it ends.
    ///
    /// # Errors
    /// A service that ended badly.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        let order = [
            Service::Decide,
            Service::Tracker,
            Service::Ingest,
            Service::Trainer,
            Service::Etl,
        ];
        for service in order {
            let workers: Vec<u32> = self
                .services
                .keys()
                .filter(|(s, _)| *s == service)
                .map(|(_, n)| *n)
                .collect();
            for number in workers {
                if let Some(mut running) = self.services.remove(&(service, number)) {
                    let status: ExitStatus = running.process.stop()?;
                    anyhow::ensure!(
                        status.success(),
                        "{service} ended badly ({status}):\n{}",
                        running.process.log_tail()
                    );
                }
            }
        }
        Ok(())
    }
}
