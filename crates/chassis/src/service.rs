//! The frame of every service's process: command line, configuration, logs, the operators' listener, signals, deadline.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches, Parser};
use prometheus::Registry;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::Shutdown;
use crate::config::{ConfigError, Setting, Settings};
use crate::health::Health;
use crate::ops;
use crate::telemetry::{self, LogFormat};

/// What the program is called, and its commented defaults.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// `ceteris-ingest`.
    pub name: &'static str,
    /// One sentence.
    pub about: &'static str,
    /// The service's `default.toml`, which is its manual too.
    pub defaults: &'static str,
}

/// What every service is given by its frame.
#[derive(Clone, Debug)]
pub struct Chassis {
    /// Ends the service.
    pub shutdown: Shutdown,
    /// Where metrics are registered.
    pub metrics: Registry,
    /// What `/readyz` tells.
    pub health: Health,
}

#[derive(Debug, Parser)]
struct Arguments {
    /// A TOML file that overrides the defaults; variables CETERIS__SECTION__KEY override the file.
    #[arg(long, env = "CETERIS_CONFIG")]
    config: Option<PathBuf>,
    /// Check the configuration, say every fault, and end (0: good, 2: faults).
    #[arg(long)]
    check: bool,
    /// Ask the running service at ops.listen whether it lives, and end (0: it does): for containers' health checks.
    #[arg(long)]
    probe: bool,
    /// Print the commented defaults and end.
    #[arg(long)]
    print_defaults: bool,
}

/// The settings that the frame reads itself.
struct Frame {
    log_format: LogFormat,
    log_filter: String,
    listen: SocketAddr,
    deadline: Duration,
}

impl Setting for LogFormat {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "json" => Ok(LogFormat::Json),
            "text" => Ok(LogFormat::Text),
            _ => Err("give json or text".to_owned()),
        }
    }
}

impl Frame {
    fn read(settings: &mut Settings) -> Option<Frame> {
        let log_format = settings.value("log.format");
        let log_filter = settings.value("log.filter");
        let listen = settings.value("ops.listen");
        let deadline = settings.value("shutdown.deadline");
        Some(Frame {
            log_format: log_format?,
            log_filter: log_filter?,
            listen: listen?,
            deadline: deadline?,
        })
    }
}

/// Runs a service from the command line to its exit code: 0 told to end and ended, 1 failed, 2 bad configuration.
///
/// `read` reads the service's own settings; `start` connects and runs until its shutdown, which SIGTERM and SIGINT bring
/// about. What has not ended by `shutdown.deadline` is cut off: everything here survives that.
pub fn main<C, F>(
    program: Program,
    read: impl FnOnce(&mut Settings) -> Option<C>,
    start: impl FnOnce(C, Chassis) -> F,
) -> ExitCode
where
    F: Future<Output = anyhow::Result<()>>,
{
    let command = Arguments::command()
        .name(program.name)
        .about(program.about)
        .version(env!("CARGO_PKG_VERSION"));
    let arguments = match Arguments::from_arg_matches(&command.get_matches()) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    if arguments.print_defaults {
        return print_defaults(program.defaults);
    }
    let gathered = Settings::gather(program.defaults, arguments.config.as_deref(), std::env::vars());
    let (frame, config) = match settle(gathered, read) {
        Ok(settled) => settled,
        Err(error) => {
            eprintln!("{}: {error}", program.name);
            return ExitCode::from(2);
        }
    };
    if arguments.check {
        eprintln!("{}: the configuration is good", program.name);
        return ExitCode::SUCCESS;
    }
    if arguments.probe {
        return match ops::probe(frame.listen) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{}: {error}", program.name);
                ExitCode::FAILURE
            }
        };
    }
    telemetry::init(frame.log_format, &frame.log_filter);
    match serve(program, frame, config, start) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "{} ends", program.name);
            ExitCode::FAILURE
        }
    }
}

fn settle<C>(
    mut settings: Settings,
    read: impl FnOnce(&mut Settings) -> Option<C>,
) -> Result<(Frame, C), ConfigError> {
    let frame = Frame::read(&mut settings);
    let config = read(&mut settings);
    settings.finish()?;
    match (frame, config) {
        (Some(frame), Some(config)) => Ok((frame, config)),
        // A reader that answers `None` without noting a fault has a defect, which must not be hidden.
        _ => Err(ConfigError {
            faults: vec!["a setting could not be read".to_owned()],
        }),
    }
}

fn serve<C, F>(
    program: Program,
    frame: Frame,
    config: C,
    start: impl FnOnce(C, Chassis) -> F,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let runtime = tokio::runtime::Runtime::new().context("start the async runtime")?;
    let outcome = runtime.block_on(async {
        let chassis = Chassis {
            shutdown: Shutdown::new(),
            metrics: Registry::new(),
            health: Health::default(),
        };
        let listener = TcpListener::bind(frame.listen)
            .await
            .with_context(|| format!("ops.listen: cannot listen on {}", frame.listen))?;
        let address = listener.local_addr().context("ops.listen")?;
        tracing::info!(ops.address = %address, "{} {} starts", program.name, env!("CARGO_PKG_VERSION"));
        // The operators' listener stays until the very end: a draining service is still probed and scraped.
        tokio::spawn(ops::serve(
            listener,
            chassis.metrics.clone(),
            chassis.health.clone(),
            Shutdown::new(),
        ));
        let signalled = signals(chassis.clone())?;
        let shutdown = chassis.shutdown.clone();
        let mut running = std::pin::pin!(start(config, chassis));
        tokio::select! {
            ended = &mut running => return ended,
            () = shutdown.cancelled() => {}
        }
        let ended = tokio::time::timeout(frame.deadline, running).await;
        signalled.abort();
        ended.unwrap_or_else(|_| {
            anyhow::bail!(
                "did not end within {} s of being told to",
                frame.deadline.as_secs()
            )
        })
    });
    // Work that ignores its shutdown must not hold the process.
    runtime.shutdown_background();
    outcome
}

/// Listens for SIGTERM and SIGINT: the first one drains, a second one ends at once.
fn signals(chassis: Chassis) -> anyhow::Result<tokio::task::JoinHandle<()>> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    Ok(tokio::spawn(async move {
        for again in [false, true] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if again {
                tracing::warn!("told to end a second time: ending without draining");
                std::process::exit(1);
            }
            tracing::info!("told to end: draining");
            chassis.health.waits("leaving", "the service was told to end");
            chassis.shutdown.cancel();
        }
    }))
}

fn print_defaults(defaults: &str) -> ExitCode {
    use std::io::Write;
    match std::io::stdout().write_all(defaults.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
