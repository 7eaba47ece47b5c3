//! The limit of ingest: a consumer of the same log that reads every payload as an event and does nothing with it.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::Context;
use ceteris_contract::event::UserEvent;
use ceteris_contract::topics::USER_EVENTS;
use ceteris_stream::Message;

use crate::ingest::setup::Setup;
use crate::machine;
use crate::report::Figures;
use ceteris_terminal::Stage;

/// How long the log may give nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a pass took.
pub(crate) struct Parsed {
    events: u64,
    took: Duration,
    cpu: Option<Duration>,
}

impl Parsed {
    /// Both passes together.
    pub(crate) fn and(&self, other: &Parsed) -> Figures {
        let cpu = self.cpu.zip(other.cpu).map(|(a, b)| a + b);
        Figures::of(self.events + other.events, self.took + other.took).cpu(cpu)
    }
}

/// Parses `events` of the log, timed from the first ones that come: joining a group is not what is measured.
pub(crate) async fn parse_all(setup: &Setup, events: u64, pass: &str) -> anyhow::Result<Parsed> {
    let stage = Stage::start("parse", events);
    let group = format!("bench-parser-{pass}-{:x}", setup.owner.0);
    let subscription = setup.ports.log.subscribe(USER_EVENTS, &group).await;
    let mut subscription = subscription.context("subscribe to user_events")?;
    let (mut count, mut started) = (0, None);
    while count < events {
        let message = tokio::time::timeout(PATIENCE, subscription.next()).await;
        let message = message
            .map_err(|_| anyhow::anyhow!("the log gave nothing for {} s", PATIENCE.as_secs()))?
            .context("read user_events")?;
        let Message::Records(records) = message else {
            continue;
        };
        started.get_or_insert_with(|| (Instant::now(), machine::cpu_of_process()));
        for record in &records {
            let event: UserEvent = serde_json::from_slice(&record.payload).context("parse an event")?;
            black_box(&event);
        }
        count += records.len() as u64;
        stage.at(count);
    }
    let (started, cpu) = started.context("there are no events")?;
    let parsed = Parsed {
        events: count,
        took: started.elapsed(),
        cpu: machine::cpu_of_process()
            .zip(cpu)
            .map(|(now, then)| now.saturating_sub(then)),
    };
    stage.done(&format!("{count} events, parsed only,"));
    Ok(parsed)
}
