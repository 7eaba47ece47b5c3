//! What goes on while things break: a world's events into Kafka, and decisions asked for over HTTP.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use ceteris_contract::duration::Span;
use ceteris_contract::topics::USER_EVENTS;
use ceteris_stream::{EventLog, NewRecord};
use ceteris_synth::ecommerce::{World, user_id};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::reach::Reach;

/// Events of the world, about: they are spread over the time in which things break, and what is left then is sent at once.
const EVENTS: u128 = 40_000;
const PAUSE: Duration = Duration::from_millis(100);
const CLIENTS: usize = 4;
/// A request that is not answered by then is given up; it may still have been decided.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// What the load has seen.
#[derive(Default)]
struct Seen {
    answered: Mutex<BTreeSet<String>>,
    in_flight: AtomicU64,
    events: AtomicU64,
    calm: AtomicBool,
    over: AtomicBool,
}

pub struct Load {
    seen: Arc<Seen>,
    producer: JoinHandle<anyhow::Result<()>>,
    clients: Vec<JoinHandle<()>>,
}

/// What was sent and answered.
pub struct Sent {
    pub events: u64,
    pub answered: BTreeSet<String>,
}

impl Load {
    pub fn start(reach: &Reach, world: World, api: SocketAddr, duration: Duration) -> Load {
        let seen = Arc::new(Seen::default());
        let clients = (0..CLIENTS)
            .map(|client| tokio::spawn(ask(client, api, world.clone(), seen.clone())))
            .collect();
        let at_once = (EVENTS * PAUSE.as_millis() / duration.as_millis()).max(1) as usize;
        let producer = tokio::spawn(produce(reach.log.clone(), world, at_once, seen.clone()));
        Load {
            seen,
            producer,
            clients,
        }
    }

    pub fn in_flight(&self) -> u64 {
        self.seen.in_flight.load(Ordering::Relaxed)
    }

    pub fn answered(&self) -> usize {
        self.seen.answered.lock().unwrap().len()
    }

    /// Waits until `more` further decisions were answered: the fleet works.
    pub async fn answers(&self, more: usize) -> anyhow::Result<()> {
        let until = self.answered() + more;
        ceteris_testkit::wait::wait_for("decisions to be answered", Duration::from_secs(60), || async {
            anyhow::ensure!(!self.producer.is_finished(), "the producer ended");
            Ok((self.answered() >= until).then_some(()))
        })
        .await
    }

    /// Sends the rest of the world, ends the clients, and tells what happened.
    pub async fn finish(self) -> anyhow::Result<Sent> {
        self.seen.calm.store(true, Ordering::Relaxed);
        self.producer.await.context("the producer")??;
        self.seen.over.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await.context("a client")?;
        }
        let answered = std::mem::take(&mut *self.seen.answered.lock().unwrap());
        Ok(Sent {
            events: self.seen.events.load(Ordering::Relaxed),
            answered,
        })
    }
}

/// Sends every event of the world at least once, in order: what was not acknowledged is sent again.
async fn produce(
    log: Arc<dyn EventLog>,
    world: World,
    at_once: usize,
    seen: Arc<Seen>,
) -> anyhow::Result<()> {
    for batch in world.batches(Span::days(1)) {
        for events in batch.events.chunks(at_once) {
            let records: Vec<NewRecord> = events
                .iter()
                .map(|event| NewRecord::keyed(user_id(event.user), event.payload()).at(event.at.0))
                .collect();
            while log.produce(USER_EVENTS, records.clone()).await.is_err() {
                tokio::time::sleep(PAUSE).await;
            }
            seen.events.fetch_add(events.len() as u64, Ordering::Relaxed);
            if !seen.calm.load(Ordering::Relaxed) {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    Ok(())
}

/// Asks for decisions, one after the other, for people the world does not know: they leave no rows in its dataset.
async fn ask(client: usize, api: SocketAddr, world: World, seen: Arc<Seen>) {
    ceteris_chassis::object_storage::install_tls();
    let http = reqwest::Client::builder()
        .timeout(REQUEST_TIMEOUT)
        .build()
        .unwrap();
    let url = format!("http://{api}/v1/decide");
    let mut number = 0u64;
    while !seen.over.load(Ordering::Relaxed) {
        number += 1;
        let request = json!({
            "user_id": format!("visitor-{client}-{number}"),
            "context": {},
            "available_treatments": [
                {"treatment_id": "coupon_10pct", "type": "coupon", "discount_percent": 10},
                {"treatment_id": "free_shipping", "type": "free_shipping"},
            ],
            "at": world.end().to_string(),
        });
        seen.in_flight.fetch_add(1, Ordering::Relaxed);
        let reply = http.post(&url).json(&request).send().await;
        let answered = match reply {
            Ok(reply) if reply.status().is_success() => reply.json::<Value>().await.ok(),
            Ok(reply) => {
                let status = reply.status().as_u16();
                let body = reply.text().await.unwrap_or_default();
                assert_eq!(status, 503, "refused: {body}");
                None
            }
            Err(_) => None,
        };
        seen.in_flight.fetch_sub(1, Ordering::Relaxed);
        match answered.as_ref().and_then(|reply| reply["decision_id"].as_str()) {
            Some(id) => {
                seen.answered.lock().unwrap().insert(id.to_owned());
            }
            // Nobody is there: not a busy loop.
            None => tokio::time::sleep(PAUSE).await,
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
