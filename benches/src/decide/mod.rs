//! `ceteris bench decide`: decisions a second and how long one takes, beside a bare endpoint of the same JSON.
//!
//! Two kinds of requests: with every feature in the context, and with one read of the feature store. Of each the most that
//! is answered (closed loop, a fixed number of connections), and the latency at a fixed rate (open loop).

mod bare;
mod exchange;
mod load;
mod ours;
mod requests;
mod target;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ceteris_contract::decide::DecideReply;
use serde_json::json;

use crate::cli::Decide;
use crate::decide::bare::Bare;
use crate::decide::exchange::Connection;
use crate::decide::load::{Load, Taken};
use crate::decide::ours::Ours;
use crate::decide::requests::{Kind, requests};
use crate::decide::target::Target;
use crate::machine::{Machine, Memory};
use crate::report::{Case, Figures, Report};
use crate::shop;
use ceteris_house::Scratch;
use ceteris_terminal::Stage;

/// Closed loops alternate between ours and the bare endpoint this often, so that both see the same weather.
const ROUNDS: u32 = 3;
const OUTSIDE_SUPPORT: &str = "outside_support";
const BARE: &str = "bare axum endpoint, same JSON";

pub(crate) async fn run(args: Decide) -> anyhow::Result<Report> {
    let machine = Machine::look();
    let world = shop::world(args.users, args.seed)?;
    let (target, own) = match &args.url {
        Some(url) => (Target::read(url, args.key.as_deref())?, None),
        None => {
            let folder = Scratch::new(None, "bench")?;
            shop::settle(folder.path(), args.users, args.seed).await?;
            let ours = Ours::start(folder.path()).await?;
            (Target::local(ours.address), Some((ours, folder)))
        }
    };
    let mut cases = Vec::new();
    for kind in [Kind::Context, Kind::Store] {
        let bodies = requests(&world, kind)?;
        let requests: Vec<Vec<u8>> = bodies.iter().map(|body| target.request(body)).collect();
        let reply = warm(&target, &requests, own.is_some()).await?;
        let bare = Bare::start(reply).await?;
        let load = |address| Load {
            address,
            requests: Arc::new(requests.clone()),
            connections: args.connections,
        };
        let pair = Pair {
            ours: load(target.address),
            bare: load(bare.address),
            in_process: own.is_some(),
        };
        cases.push(pair.saturate(kind, args.seconds).await?);
        cases.push(pair.at_rate(kind, args.rate, args.seconds).await?);
    }
    let memory = own.as_ref().and_then(|_| Memory::of_this_process());
    if let Some((ours, _folder)) = own {
        ours.stop().await?;
    }
    Ok(Report {
        bench: "decide",
        settings: json!({
            "rate": args.rate, "seconds": args.seconds, "connections": args.connections,
            "users": args.users, "seed": args.seed, "url": args.url,
        }),
        cases,
        memory,
        machine: machine.again(),
    })
}

/// Asks each once, and looks at what is answered: a decision that rests on less than it should is quick for the wrong
/// reason. Answers one reply, for the bare endpoint to give.
async fn warm(target: &Target, requests: &[Vec<u8>], strict: bool) -> anyhow::Result<DecideReply> {
    let mut connection = Connection::open(target.address).await?;
    let (mut last, mut degraded) = (None, 0);
    for request in requests {
        let body = connection.ask(request).await?;
        let reply: DecideReply = serde_json::from_slice(body).context("read a decision")?;
        // Some people lie outside what the model has seen; deciding for them is the same work.
        let amiss = |reason: &&String| *reason != OUTSIDE_SUPPORT;
        if let Some(reason) = reply.degraded_reasons.iter().find(amiss) {
            anyhow::ensure!(!strict, "a decision is degraded: {reason}");
            degraded += 1;
        }
        last = Some(reply);
    }
    if degraded > 0 {
        eprintln!("{degraded} of {} decisions are degraded", requests.len());
    }
    last.context("the world has nobody to ask for")
}

/// The same load on both.
struct Pair {
    ours: Load,
    bare: Load,
    /// Both servers run in this process, so that their time on the processor is known.
    in_process: bool,
}

impl Pair {
    async fn saturate(&self, kind: Kind, seconds: u32) -> anyhow::Result<Case> {
        let name = kind.named("closed loop");
        let stage = Stage::start(kind.word(), u64::from(2 * ROUNDS));
        let round = Duration::from_secs(u64::from(seconds)) / ROUNDS;
        let (mut ours, mut bare) = (Taken::nothing(), Taken::nothing());
        for done in 0..ROUNDS {
            ours.add(self.ours.closed_loop(round).await?);
            stage.at(u64::from(2 * done + 1));
            bare.add(self.bare.closed_loop(round).await?);
            stage.at(u64::from(2 * done + 2));
        }
        let case = Case::by_rate(name, "decisions", self.figures(ours), self.figures(bare), BARE);
        let rate = case.ours.per_second;
        stage.done(&format!("{rate:.0} decisions/s, closed loop,"));
        Ok(case)
    }

    async fn at_rate(&self, kind: Kind, rate: u32, seconds: u32) -> anyhow::Result<Case> {
        let name = kind.named(&format!("open loop at {rate}/s"));
        let stage = Stage::start(kind.word(), 2);
        let span = Duration::from_secs(u64::from(seconds));
        let ours = self.ours.open_loop(rate, span).await?;
        stage.at(1);
        let bare = self.bare.open_loop(rate, span).await?;
        let case = Case::by_median(name, "decisions", self.figures(ours), self.figures(bare), BARE);
        stage.done(&format!("{rate}/s, open loop,"));
        Ok(case)
    }

    fn figures(&self, taken: Taken) -> Figures {
        let figures = Figures::of(taken.count, taken.took).latency(&taken.latencies);
        figures.cpu(taken.server_cpu.filter(|_| self.in_process))
    }
}
