//! What librdkafka tells from within its calls: its log, and the rebalances of a group.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};

/// Only the log. A broker that cannot be reached is a warning: the client goes on trying by itself.
#[derive(Debug)]
pub(super) struct Told;

impl ClientContext for Told {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(error = %error, reason, "kafka client");
    }
}

impl ConsumerContext for Told {}

/// What the group wants of a member.
#[derive(Debug)]
pub(super) enum Change {
    Assigned(Vec<u32>),
    Revoked(Vec<u32>),
}

/// Keeps rebalances for the loop that reads. librdkafka waits for the answer, `incremental_assign` or
/// `incremental_unassign`, so the loop gives it when its owner is ready to.
#[derive(Debug, Default)]
pub(super) struct Rebalances {
    changes: Mutex<VecDeque<Change>>,
    closing: AtomicBool,
}

impl Rebalances {
    pub(super) fn take(&self) -> Option<Change> {
        self.lock().pop_front()
    }

    pub(super) fn waiting(&self) -> bool {
        !self.lock().is_empty()
    }

    /// From now on rebalances are answered at once: nobody reads any more.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Change>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Rebalances {
    fn error(&self, error: KafkaError, reason: &str) {
        // The end of a partition is news for the reader, who is told as a message.
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::PartitionEOF) {
            return;
        }
        tracing::warn!(error = %error, reason, "kafka consumer");
    }
}

impl ConsumerContext for Rebalances {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, kind: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let assigned = kind == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if self.closing.load(Ordering::Acquire) {
            let answered = match assigned {
                true => consumer.incremental_assign(list),
                false => consumer.incremental_unassign(list),
            };
            if let Err(error) = answered {
                tracing::debug!(error = %error, "cannot answer a rebalance while closing");
            }
            return;
        }
        let partitions = list
            .elements()
            .iter()
            .filter_map(|element| u32::try_from(element.partition()).ok())
            .collect();
        self.lock().push_back(match assigned {
            true => Change::Assigned(partitions),
            false => Change::Revoked(partitions),
        });
    }
}
