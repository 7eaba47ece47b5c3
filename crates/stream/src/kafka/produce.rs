//! Producing: a call's records go to librdkafka, and the call waits for the brokers' word on each.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseRecord, NoCustomPartitioner, Producer, ProducerContext, ThreadedProducer};
use tokio::sync::Notify;

use super::codec;
use super::fault::{backend, of_code};
use crate::error::StreamError;
use crate::record::NewRecord;

/// How long a caller waits before it tries a full queue again.
const FULL_PAUSE: Duration = Duration::from_millis(5);

/// Brings the brokers' word on a record back to the call that produced it.
struct Deliveries;

impl ClientContext for Deliveries {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(error = %error, reason, "kafka producer");
    }
}

impl ProducerContext<NoCustomPartitioner> for Deliveries {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        let place = match result {
            Ok(message) => Ok((
                message.partition().unsigned_abs(),
                message.offset().unsigned_abs(),
            )),
            Err((error, _)) => Err(error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown)),
        };
        ticket.call.answer(ticket.index, place);
    }
}

/// Which record of which call.
struct Ticket {
    call: Arc<Call>,
    index: usize,
}

struct Call {
    answers: Mutex<Answers>,
    all: Notify,
}

struct Answers {
    places: Vec<(u32, u64)>,
    left: usize,
    failure: Option<(usize, RDKafkaErrorCode)>,
}

impl Call {
    fn new(records: usize) -> Arc<Call> {
        Arc::new(Call {
            answers: Mutex::new(Answers {
                places: vec![(0, 0); records],
                left: records,
                failure: None,
            }),
            all: Notify::new(),
        })
    }

    fn answer(&self, index: usize, place: Result<(u32, u64), RDKafkaErrorCode>) {
        let mut answers = self.lock();
        match place {
            Ok(place) => answers.places[index] = place,
            Err(code) => {
                answers.failure.get_or_insert((index, code));
            }
        }
        answers.left -= 1;
        if answers.left == 0 {
            self.all.notify_one();
        }
    }

    async fn answered(&self) -> Result<Vec<(u32, u64)>, (usize, RDKafkaErrorCode)> {
        self.all.notified().await;
        let mut answers = self.lock();
        match answers.failure {
            Some(failure) => Err(failure),
            None => Ok(std::mem::take(&mut answers.places)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Client = ThreadedProducer<Deliveries>;

/// An idempotent producer, made anew where the brokers have given it up.
pub(super) struct KafkaProducer {
    config: ClientConfig,
    client: RwLock<Arc<Client>>,
}

impl KafkaProducer {
    pub(super) fn new(config: ClientConfig) -> Result<KafkaProducer, StreamError> {
        let client = RwLock::new(make(&config)?);
        Ok(KafkaProducer { config, client })
    }

    /// Appends records whose sizes and partitions were checked.
    pub(super) async fn produce(
        &self,
        topic: &str,
        records: &[NewRecord],
    ) -> Result<Vec<(u32, u64)>, StreamError> {
        let client = Arc::clone(&self.client.read().unwrap_or_else(PoisonError::into_inner));
        let call = Call::new(records.len());
        let mut refusal = None;
        for (index, record) in records.iter().enumerate() {
            // The rest of the call is not to overtake a record that was refused.
            let code = match refusal {
                None => enqueue(&client, topic, record, &call, index).await,
                Some(code) => Err(code),
            };
            if let Err(code) = code {
                refusal = Some(code);
                call.answer(index, Err(code));
            }
        }
        let answered = call.answered().await;
        if client.client().fatal_error().is_some() {
            self.replace(&client)?;
        }
        answered.map_err(|(index, code)| explain(topic, records, index, code))
    }

    /// The brokers do not take this producer's sequence any more; a new one begins its own.
    fn replace(&self, broken: &Arc<Client>) -> Result<(), StreamError> {
        let mut client = self.client.write().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&client, broken) {
            *client = make(&self.config)?;
        }
        Ok(())
    }
}

fn make(config: &ClientConfig) -> Result<Arc<Client>, StreamError> {
    let client = config.create_with_context(Deliveries);
    client.map(Arc::new).map_err(backend("make a Kafka producer"))
}

/// Hands a record over, waiting while the queue is full.
async fn enqueue(
    client: &Client,
    topic: &str,
    record: &NewRecord,
    call: &Arc<Call>,
    index: usize,
) -> Result<(), RDKafkaErrorCode> {
    loop {
        let ticket = Box::new(Ticket {
            call: call.clone(),
            index,
        });
        let new = BaseRecord {
            topic,
            partition: record
                .partition
                .and_then(|partition| i32::try_from(partition).ok()),
            payload: Some(&record.payload[..]),
            key: record.key.as_deref(),
            timestamp: codec::timestamp_ms(record),
            headers: codec::headers(record),
            delivery_opaque: ticket,
        };
        match client.send(new).map_err(|(error, _)| error.rdkafka_error_code()) {
            Ok(()) => return Ok(()),
            Err(Some(RDKafkaErrorCode::QueueFull)) => tokio::time::sleep(FULL_PAUSE).await,
            Err(code) => return Err(code.unwrap_or(RDKafkaErrorCode::Unknown)),
        }
    }
}

fn explain(topic: &str, records: &[NewRecord], index: usize, code: RDKafkaErrorCode) -> StreamError {
    use RDKafkaErrorCode::{Fatal, MessageSizeTooLarge, UnknownTopic, UnknownTopicOrPartition};
    match code {
        MessageSizeTooLarge => StreamError::RecordTooLarge {
            index,
            bytes: records[index].bytes(),
        },
        UnknownTopic | UnknownTopicOrPartition => StreamError::UnknownTopic {
            topic: topic.to_owned(),
        },
        code => StreamError::Backend {
            operation: "produce",
            // A producer the brokers gave up has been replaced by now.
            disposition: match code {
                Fatal => ceteris_contract::disposition::Disposition::Retry,
                code => of_code(code),
            },
            source: KafkaError::MessageProduction(code).into(),
        },
    }
}
