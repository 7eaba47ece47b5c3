//! A member of a group: one loop that turns what librdkafka has for it into messages.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::ClientConfig;
use rdkafka::Message as _;
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::topic_partition_list::Offset;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use super::closing::Closing;
use super::codec::Reader;
use super::context::Change;
use super::fault::{backend, disposition};
use super::membership::Membership;
use super::start::{self, Client, Wish};
use super::topics::{ASK, blocking, list};
use crate::error::StreamError;
use crate::log::{Message, Subscription};
use ceteris_contract::disposition::{Disposition, HasDisposition};

/// Records of one message, at most: what a worker can take in between two looks at its clock.
const FETCH_RECORDS_MAX: usize = 4096;
/// Bytes of one message, at most, but for a single larger record.
const FETCH_BYTES_MAX: usize = 1 << 20;
/// Pause before a question to the brokers is asked again.
const RETRY: Duration = Duration::from_millis(250);

pub(super) struct KafkaSubscription {
    topic: Arc<str>,
    partitions: u32,
    membership: Membership,
    held: BTreeMap<u32, Position>,
    /// Reported as revoked by the last call of `next`, held until the coming one.
    leaving: Vec<u32>,
    /// Positions being asked for or moved. Kept here, so that a dropped call of `next` loses nothing.
    work: Option<Work>,
    retry_at: Instant,
    /// Met behind records that were delivered first.
    fault: Option<StreamError>,
}

struct Work {
    wishes: Vec<Wish>,
    task: JoinHandle<Result<Vec<(u32, u64)>, StreamError>>,
}

#[derive(Default)]
struct Position {
    next: u64,
    /// Assigned by the group, and not yet answered.
    arriving: bool,
    /// Where to move before anything else is read.
    seek_to: Option<u64>,
    paused: bool,
    /// The end was reached and is to be told.
    ended: bool,
    /// The end last told; each is told once.
    announced: Option<u64>,
}

impl fmt::Debug for KafkaSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held: Vec<_> = self.held.keys().collect();
        f.debug_struct("KafkaSubscription")
            .field("topic", &self.topic)
            .field("held", &held)
            .finish()
    }
}

impl KafkaSubscription {
    pub(super) fn join(
        config: ClientConfig,
        topic: &str,
        partitions: u32,
        closing: Arc<Closing>,
    ) -> Result<KafkaSubscription, StreamError> {
        let topic = Arc::<str>::from(topic);
        Ok(KafkaSubscription {
            membership: Membership::join(config, topic.clone(), closing)?,
            topic,
            partitions,
            held: BTreeMap::new(),
            leaving: Vec::new(),
            work: None,
            retry_at: Instant::now(),
            fault: None,
        })
    }

    /// Answers the revocation that the last call of `next` reported.
    fn let_go(&mut self, client: &Client) {
        let partitions = std::mem::take(&mut self.leaving);
        if !partitions.is_empty() && !self.membership.is_fenced() {
            self.unassign(client, &partitions);
        }
    }

    /// Lets everything go that a fenced member held: it is another's, or comes back with the next membership.
    fn lose(&mut self) -> Option<Message> {
        (self.work, self.fault) = (None, None);
        let lost: Vec<u32> = std::mem::take(&mut self.held).into_keys().collect();
        self.leaving.clone_from(&lost);
        (!lost.is_empty()).then_some(Message::Revoked(lost))
    }

    fn unassign(&self, client: &Client, partitions: &[u32]) {
        let list = list(
            &self.topic,
            partitions.iter().map(|partition| (*partition, Offset::Invalid)),
        );
        // The client would keep a pause beyond the assignment, and never read the partition again.
        let given = list.and_then(|list| {
            client
                .resume(&list)
                .and_then(|()| client.incremental_unassign(&list))
        });
        if let Err(error) = given {
            tracing::warn!(topic = %self.topic, error = %error, "cannot let go of partitions");
        }
    }

    /// Starts what was assigned and moves what was sought. A broker that does not answer is asked again.
    async fn settle(&mut self, client: &Arc<Client>) -> Result<(), StreamError> {
        loop {
            if self.work.is_none() && !self.any_wish() {
                return Ok(());
            }
            if self.work.is_none() {
                sleep_until(self.retry_at).await;
                self.work = self.begin_work(client);
            }
            let Some(work) = &mut self.work else {
                continue;
            };
            let done = (&mut work.task).await.map_err(|_| StreamError::Closed);
            let wishes = self.work.take().map(|work| work.wishes).unwrap_or_default();
            match done? {
                Ok(places) => self.moved(client, &wishes, &places)?,
                Err(error) if error.disposition() == Disposition::Retry => {
                    tracing::warn!(topic = %self.topic, error = %error, "positions are asked for again");
                    self.retry_at = Instant::now() + RETRY;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn any_wish(&self) -> bool {
        self.held
            .values()
            .any(|position| position.arriving || position.seek_to.is_some())
    }

    fn begin_work(&self, client: &Arc<Client>) -> Option<Work> {
        let wishes = |arriving: bool| -> Vec<Wish> {
            let due = self.held.iter().filter(|(_, position)| {
                position.arriving == arriving && (arriving || position.seek_to.is_some())
            });
            due.map(|(partition, position)| (*partition, position.seek_to))
                .collect()
        };
        let (client, topic) = (client.clone(), self.topic.clone());
        let arriving = wishes(true);
        let (wishes, run): (_, fn(&Client, &str, &[Wish]) -> _) = match arriving.is_empty() {
            false => (arriving, start::begin),
            true => (wishes(false), start::seek),
        };
        let asked = wishes.clone();
        (!wishes.is_empty()).then(|| Work {
            wishes,
            task: tokio::task::spawn_blocking(move || run(&client, &topic, &asked)),
        })
    }

    /// Takes over where partitions now stand.
    fn moved(&mut self, client: &Client, wishes: &[Wish], places: &[(u32, u64)]) -> Result<(), StreamError> {
        for ((partition, wish), (_, place)) in wishes.iter().zip(places) {
            let Some(position) = self.held.get_mut(partition) else {
                continue;
            };
            position.next = *place;
            position.ended = false;
            position.announced = None;
            // A seek that came meanwhile stands.
            if position.seek_to == *wish {
                position.seek_to = None;
            }
            if std::mem::take(&mut position.arriving) && position.paused {
                pause(client, &self.topic, *partition)?;
            }
        }
        Ok(())
    }

    /// What can be told without waiting.
    fn ready(&mut self, client: &Client) -> Result<Option<Message>, StreamError> {
        while let Some(change) = client.context().take() {
            match change {
                Change::Assigned(mut partitions) => {
                    partitions.sort_unstable();
                    if partitions.is_empty() {
                        // The group waits for this answer too.
                        start::begin(client, &self.topic, &[])?;
                        continue;
                    }
                    for partition in &partitions {
                        let position = Position {
                            arriving: true,
                            ..Position::default()
                        };
                        self.held.insert(*partition, position);
                    }
                    return Ok(Some(Message::Assigned(partitions)));
                }
                Change::Revoked(mut partitions) => {
                    partitions.sort_unstable();
                    self.held.retain(|partition, _| !partitions.contains(partition));
                    if partitions.is_empty() {
                        self.unassign(client, &partitions);
                        continue;
                    }
                    self.leaving.clone_from(&partitions);
                    return Ok(Some(Message::Revoked(partitions)));
                }
            }
        }
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        Ok(self.reached_end())
    }

    fn reached_end(&mut self) -> Option<Message> {
        for (&partition, position) in self.held.iter_mut().filter(|(_, position)| !position.paused) {
            if std::mem::take(&mut position.ended) && position.announced != Some(position.next) {
                position.announced = Some(position.next);
                return Some(Message::EndOfPartition {
                    partition,
                    next_offset: position.next,
                });
            }
        }
        None
    }

    /// Waits for something from the client, then takes what else it has at hand, without another wait: a message that
    /// was taken from the client is never lost to a dropped call.
    async fn read(&mut self, client: &Arc<Client>) -> Reader {
        let mut reader = Reader::new(self.topic.clone());
        let mut event = {
            let mut receive = pin!(client.recv());
            poll_fn(|context| match receive.as_mut().poll(context) {
                Poll::Ready(event) => Poll::Ready(Some(event)),
                Poll::Pending if client.context().waiting() => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            })
            .await
        };
        while let Some(what) = event {
            match what {
                Ok(message) => self.take(&message, &mut reader),
                Err(error) => self.meet(error),
            }
            let full = reader.records() >= FETCH_RECORDS_MAX || reader.bytes() >= FETCH_BYTES_MAX;
            if full || self.fault.is_some() || client.context().waiting() {
                break;
            }
            let mut receive = pin!(client.recv());
            event = match receive.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(event) => Some(event),
                Poll::Pending => None,
            };
        }
        reader
    }

    fn take(&mut self, message: &BorrowedMessage<'_>, reader: &mut Reader) {
        let (partition, offset) = (
            message.partition().unsigned_abs(),
            message.offset().unsigned_abs(),
        );
        let Some(position) = self.held.get_mut(&partition) else {
            return;
        };
        // Not to be delivered now; or from before the position, as after a log that was truncated. Going back to the
        // position brings what is right, or the error that says what is wrong.
        if position.paused || position.arriving || position.seek_to.is_some() || offset < position.next {
            position.seek_to.get_or_insert(position.next);
            return;
        }
        position.next = offset + 1;
        position.ended = false;
        if !reader.take(message) {
            self.fault = Some(StreamError::NotARecord {
                topic: self.topic.to_string(),
                partition,
                offset,
            });
        }
    }

    fn meet(&mut self, error: KafkaError) {
        use RDKafkaErrorCode::{UnknownTopic, UnknownTopicOrPartition};
        match &error {
            KafkaError::PartitionEOF(partition) => {
                let partition = partition.unsigned_abs();
                if let Some(position) = self.held.get_mut(&partition)
                    && !position.arriving
                    && position.seek_to.is_none()
                {
                    position.ended = true;
                }
            }
            KafkaError::MessageConsumption(UnknownTopic | UnknownTopicOrPartition) => {
                let topic = self.topic.to_string();
                self.fault = Some(StreamError::UnknownTopic { topic });
            }
            // The client goes on by itself: it reconnects, rejoins, asks again.
            _ if disposition(&error) == Disposition::Retry => {
                tracing::debug!(topic = %self.topic, error = %error, "waiting for Kafka");
            }
            // What follows from a fence is the loop's to do.
            _ if self.membership.is_fenced() => {}
            _ => self.fault = Some(backend("consume")(error)),
        }
    }

    fn position(&mut self, partition: u32) -> Result<&mut Position, StreamError> {
        let topic = &self.topic;
        let missing = || StreamError::NotAssigned {
            topic: topic.to_string(),
            partition,
        };
        self.held.get_mut(&partition).ok_or_else(missing)
    }
}

fn pause(client: &Client, topic: &str, partition: u32) -> Result<(), StreamError> {
    list(topic, [(partition, Offset::Invalid)])
        .and_then(|list| client.pause(&list))
        .map_err(backend("pause a partition"))
}

#[async_trait]
impl Subscription for KafkaSubscription {
    async fn next(&mut self) -> Result<Message, StreamError> {
        // A consumer far behind never waits; this lets other tasks run all the same.
        tokio::task::coop::consume_budget().await;
        self.let_go(&*self.membership.client()?);
        loop {
            if self.membership.is_fenced() {
                if let Some(message) = self.lose() {
                    return Ok(message);
                }
                self.membership.rejoin().await?;
            }
            let client = self.membership.client()?;
            match self.settle(&client).await {
                Err(_) if self.membership.is_fenced() => continue,
                settled => settled?,
            }
            if let Some(message) = self.ready(&client)? {
                return Ok(message);
            }
            let reader = self.read(&client).await;
            if reader.records() > 0 {
                return Ok(Message::Records(reader.finish()));
            }
        }
    }

    fn seek(&mut self, partition: u32, offset: u64) -> Result<(), StreamError> {
        let position = self.position(partition)?;
        position.seek_to = Some(offset);
        position.ended = false;
        position.announced = None;
        Ok(())
    }

    fn pause(&mut self, partition: u32) -> Result<(), StreamError> {
        let client = self.membership.client()?;
        let topic = self.topic.clone();
        let position = self.position(partition)?;
        position.paused = true;
        match position.arriving {
            true => Ok(()),
            false => pause(&client, &topic, partition),
        }
    }

    fn resume(&mut self, partition: u32) -> Result<(), StreamError> {
        let client = self.membership.client()?;
        let topic = self.topic.clone();
        let position = self.position(partition)?;
        position.paused = false;
        if position.arriving {
            return Ok(());
        }
        list(&topic, [(partition, Offset::Invalid)])
            .and_then(|list| client.resume(&list))
            .map_err(backend("resume a partition"))
    }

    async fn commit(&mut self, partition: u32, next_offset: u64) -> Result<(), StreamError> {
        if !self.leaving.contains(&partition) {
            self.position(partition)?;
        }
        let (client, topic) = (self.membership.client()?, self.topic.clone());
        let failed = backend("commit an offset");
        let commit = blocking(move || start::commit(&client, &topic, partition, next_offset));
        let late = |_| failed(KafkaError::ConsumerCommit(RDKafkaErrorCode::OperationTimedOut));
        let committed = timeout(ASK, commit).await.map_err(late)?;
        committed.map_err(|error| self.membership.excuse(error))
    }

    async fn committed(&self, partition: u32) -> Result<Option<u64>, StreamError> {
        if partition >= self.partitions {
            return Err(StreamError::UnknownPartition {
                topic: self.topic.to_string(),
                partition,
                partitions: self.partitions,
            });
        }
        let (client, topic) = (self.membership.client()?, self.topic.clone());
        let found = blocking(move || start::committed(&client, &topic, std::iter::once(partition))).await;
        let found = found.map_err(|error| self.membership.excuse(error))?;
        Ok(found.get(&partition).copied())
    }
}

impl Drop for KafkaSubscription {
    fn drop(&mut self) {
        let Ok(client) = self.membership.client() else {
            return;
        };
        // Whatever the group waits for is answered before it is left, else it would be waited for for ever.
        client.context().close();
        self.let_go(&client);
        let arriving = self.held.iter().filter(|(_, position)| position.arriving);
        let mut given: Vec<u32> = arriving.map(|(partition, _)| *partition).collect();
        while let Some(change) = client.context().take() {
            match change {
                Change::Assigned(partitions) => given.extend(partitions),
                Change::Revoked(partitions) => self.unassign(&client, &partitions),
            }
        }
        if !given.is_empty() {
            let list = list(
                &self.topic,
                given.into_iter().map(|partition| (partition, Offset::Invalid)),
            );
            if let Err(error) = list.and_then(|list| client.incremental_assign(&list)) {
                tracing::debug!(topic = %self.topic, error = %error, "cannot answer an assignment while closing");
            }
        }
    }
}
