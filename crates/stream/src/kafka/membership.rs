//! Standing in a group: the client that does so, and another in its place after it was fenced.
//!
//! Brokers fence a static member when another joins under its name, but now and then also one that has no twin: what a
//! member asked before its session ended and what it asks after it has joined again may reach a restarted coordinator in
//! the wrong order. librdkafka's client is of no use after that. So the name is claimed again, after a pause that lets a
//! real twin work.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::time::{Instant, sleep_until};

use super::closing::Closing;
use super::context::Rebalances;
use super::fault::backend;
use super::options::SESSION_TIMEOUT_MS;
use super::start::Client;
use crate::error::StreamError;
use ceteris_contract::disposition::Disposition;

/// Two processes of one name take turns this slowly, each with an error in its log.
const REJOIN_PAUSE: Duration = Duration::from_millis(SESSION_TIMEOUT_MS as u64);

pub(super) struct Membership {
    config: ClientConfig,
    topic: Arc<str>,
    /// None only once it is dropped.
    client: Option<Arc<Client>>,
    rejoin_at: Option<Instant>,
    closing: Arc<Closing>,
}

impl Membership {
    pub(super) fn join(
        config: ClientConfig,
        topic: Arc<str>,
        closing: Arc<Closing>,
    ) -> Result<Membership, StreamError> {
        Ok(Membership {
            client: Some(Arc::new(client(&config, &topic)?)),
            config,
            topic,
            rejoin_at: None,
            closing,
        })
    }

    pub(super) fn client(&self) -> Result<Arc<Client>, StreamError> {
        self.client.clone().ok_or(StreamError::Closed)
    }

    /// Whether the brokers know another member by this one's name. It stays so until [`rejoin`](Self::rejoin).
    pub(super) fn is_fenced(&self) -> bool {
        let fault = self
            .client
            .as_ref()
            .and_then(|client| client.client().fatal_error());
        matches!(fault, Some((RDKafkaErrorCode::FencedInstanceId, _)))
    }

    /// Joins anew in place of a fenced client. Cancel-safe.
    pub(super) async fn rejoin(&mut self) -> Result<(), StreamError> {
        let at = match self.rejoin_at {
            Some(at) => at,
            None => {
                tracing::error!(
                    topic = %self.topic,
                    instance_id = self.config.get("group.instance.id").unwrap_or_default(),
                    pause_ms = REJOIN_PAUSE.as_millis() as u64,
                    "another member has joined under this one's name; joining again"
                );
                *self.rejoin_at.insert(Instant::now() + REJOIN_PAUSE)
            }
        };
        sleep_until(at).await;
        let successor = Arc::new(client(&self.config, &self.topic)?);
        self.rejoin_at = None;
        self.leave();
        self.client = Some(successor);
        Ok(())
    }

    /// An answer of the client, which after a fence is one to ask again for.
    pub(super) fn excuse(&self, error: StreamError) -> StreamError {
        match self.is_fenced() {
            true => StreamError::Backend {
                operation: "act as a member of the group",
                disposition: Disposition::Retry,
                source: KafkaError::MessageConsumptionFatal(RDKafkaErrorCode::FencedInstanceId).into(),
            },
            false => error,
        }
    }

    fn leave(&mut self) {
        if let Some(client) = self.client.take() {
            client.context().close();
            self.closing.leave(client);
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.leave();
    }
}

fn client(config: &ClientConfig, topic: &str) -> Result<Client, StreamError> {
    let client: Client = config
        .create_with_context(Rebalances::default())
        .map_err(backend("make a Kafka consumer"))?;
    client.subscribe(&[topic]).map_err(backend("subscribe"))?;
    Ok(client)
}
