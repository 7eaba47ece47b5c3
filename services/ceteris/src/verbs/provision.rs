//! `ceteris provision`: what a fleet of separate services needs before its first event: topics and problems.

use anyhow::Context;
use ceteris_chassis::clock::Clock;
use ceteris_house::fleet::Backends;
use ceteris_terminal::{Format, print};
use serde::Serialize;

use crate::cli::Provision;
use crate::verbs::read_problem;

#[derive(Serialize)]
struct Report {
    topics: Vec<String>,
    problems: Vec<Registered>,
}

#[derive(Serialize)]
struct Registered {
    name: String,
    digest: String,
}

/// Makes what is missing; run again it changes nothing.
pub(crate) async fn run(format: Format, args: Provision) -> anyhow::Result<()> {
    let mut files = Vec::new();
    for path in &args.problem {
        files.push(read_problem(path)?);
    }
    let backends = Backends::read(std::env::vars())?;
    if args.check {
        return Ok(());
    }
    let topics = backends.make_topics().await?;
    let registry = backends.registry();
    let mut problems = Vec::new();
    for (problem, yaml) in &files {
        let put = registry.put_problem(&problem.name, yaml, Clock::Wall.now()).await;
        problems.push(Registered {
            name: problem.name.clone(),
            digest: put.with_context(|| format!("register problem {}", problem.name))?,
        });
    }
    let report = Report { topics, problems };
    print(format, &report, || text(&report))
}

fn text(report: &Report) -> String {
    let problems = report
        .problems
        .iter()
        .map(|p| format!("problem {} {}", p.name, &p.digest[..12.min(p.digest.len())]));
    let lines: Vec<String> = report
        .topics
        .iter()
        .map(|topic| format!("topic {topic}"))
        .chain(problems)
        .collect();
    lines.join("\n")
}
