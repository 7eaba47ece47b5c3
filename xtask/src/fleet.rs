//! `cargo xtask fleet`: every service as a process of its own, over real servers.
//!
//! With `--demo` it drives the demo's scenario through Kafka and HTTP; what it prints is what `ceteris demo` prints.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::Context;
use ceteris_testkit::fleet::{Fleet, Service};
use ceteris_testkit::servers::{Environment, Servers};

use crate::servers::{Place, print, runtime, until_told};

/// The problem file of the demo.
const PROBLEM: &str = "deploy/problems/ecommerce.yaml";

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Drive the demo's scenario: simulate, train, decide, and compare with the truth.
    #[arg(long)]
    demo: bool,
    /// End when the demo is over instead of leaving the fleet running until Ctrl-C.
    #[arg(long, requires = "demo")]
    once: bool,
    /// Simulated users of the demo.
    #[arg(long, default_value_t = 20_000)]
    users: u64,
    /// Seed of the simulated world.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What the demo prints: json or text.
    #[arg(long, default_value = "text")]
    format: String,
    /// Problem files to serve, besides those of the demo.
    #[arg(long)]
    problem: Vec<PathBuf>,
    /// Where servers and services keep their files; a temporary folder where it is left out.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// A folder of programs that are built already; without it they are built first.
    #[arg(long)]
    programs: Option<PathBuf>,
    /// Build the programs and end.
    #[arg(long)]
    build_only: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let programs = match &arguments.programs {
        Some(programs) => programs.clone(),
        None => build()?,
    };
    if arguments.build_only {
        eprintln!("the programs are in {}", programs.display());
        return Ok(ExitCode::SUCCESS);
    }
    let place = Place::new(arguments.data_dir.as_deref())?;
    runtime()?.block_on(async {
        let servers = Servers::start(&place.path().join("servers")).await?;
        let ceteris = programs.join("ceteris");
        let environment = world(&ceteris, arguments)?;
        let mut fleet = Fleet::new(servers, &programs, &place.path().join("services"), environment)?;
        provision(&ceteris, &fleet, arguments)?;
        for service in Service::ALL {
            fleet.start(service)?;
        }
        for service in Service::ALL {
            fleet.ready(service).await?;
        }
        eprintln!("the fleet is up; decisions on http://{}", fleet.api());
        let code = if arguments.demo {
            demo(&ceteris, &fleet, arguments)?
        } else {
            ExitCode::SUCCESS
        };
        if !arguments.once {
            // Stdout is the demo's.
            print(fleet.environment(), &mut std::io::stderr())?;
            for service in Service::ALL {
                if let Some(ops) = fleet.ops(service) {
                    eprintln!("{service}: http://{ops}/readyz, http://{ops}/metrics");
                }
            }
            eprintln!("\nrunning until Ctrl-C; files below {}", place.path().display());
            until_told().await?;
        }
        fleet.check()?;
        fleet.stop()?;
        Ok(code)
    })
}

/// Builds the command line and the services with their production backends; the folder they are in.
fn build() -> anyhow::Result<PathBuf> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(&cargo);
    command
        .current_dir(crate::root())
        .args(["build", "--bins", "--package", "ceteris"]);
    let mut features = vec!["ceteris/fleet".to_owned()];
    for service in Service::ALL {
        command.args(["--package", service.program()]);
        features.push(format!("{service}/fleet"));
    }
    command.args(["--features", &features.join(",")]);
    let status = command.status().context("run cargo build")?;
    anyhow::ensure!(status.success(), "cargo build: {status}");
    target_folder(&cargo)
}

fn target_folder(cargo: &str) -> anyhow::Result<PathBuf> {
    let output = Command::new(cargo)
        .current_dir(crate::root())
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .output()
        .context("run cargo metadata")?;
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).context("read cargo metadata")?;
    let folder = metadata["target_directory"]
        .as_str()
        .context("cargo metadata names no target folder")?;
    Ok(PathBuf::from(folder).join("debug"))
}

/// What the services of a demo are told about its simulated world: its identity key and its clock.
fn world(ceteris: &PathBuf, arguments: &Arguments) -> anyhow::Result<Environment> {
    let mut command = Command::new(ceteris);
    command.args(["--format", "json", "world"]);
    if arguments.demo {
        command.args(["--seed", &arguments.seed.to_string()]);
    }
    let output = command.output().context("ask for the world's environment")?;
    anyhow::ensure!(
        output.status.success(),
        "ceteris world: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).context("read the world's environment")
}

/// What one-shot services do in a deployment: the database's schema, topics, problems.
fn provision(ceteris: &PathBuf, fleet: &Fleet, arguments: &Arguments) -> anyhow::Result<()> {
    let problems = arguments.demo.then(|| crate::root().join(PROBLEM));
    let mut command = Command::new(ceteris);
    command.arg("provision").envs(fleet.environment());
    for problem in arguments.problem.iter().chain(&problems) {
        command.arg("--problem").arg(problem);
    }
    let mut migrate = Command::new(ceteris);
    migrate.arg("migrate").envs(fleet.environment());
    for (name, mut command) in [("migrate", migrate), ("provision", command)] {
        // Nothing but the demo's document goes to standard output.
        let status = command.stdout(std::io::stderr()).status();
        let status = status.with_context(|| format!("run ceteris {name}"))?;
        anyhow::ensure!(status.success(), "ceteris {name}: {status}");
    }
    Ok(())
}

fn demo(ceteris: &PathBuf, fleet: &Fleet, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let status = Command::new(ceteris)
        .args(["--format", &arguments.format, "demo", "--fleet", "--once"])
        .args([
            "--users",
            &arguments.users.to_string(),
            "--seed",
            &arguments.seed.to_string(),
        ])
        .envs(fleet.environment())
        .status()
        .context("run ceteris demo")?;
    // A program ended by a signal has no code.
    let code = status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1);
    Ok(ExitCode::from(code))
}
