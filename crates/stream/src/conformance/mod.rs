//! The one suite that every implementation of the port passes. A case panics where the promise is broken; none sleeps,
//! and each ends after a minute at the latest.
//!
//! Left out: surviving a killed process or server, which each implementation shows in its own way.

mod consume;
mod faulty;
mod groups;
mod produce;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::StreamError;
use crate::log::{EventLog, Message, Subscription};
use crate::record::{ConsumedRecord, NewRecord};

pub use consume::*;
pub use faulty::FaultyLog;
pub use groups::*;
pub use produce::*;

/// How long a case may take before it counts as hanging.
const CASE_TIMEOUT: Duration = Duration::from_secs(60);

/// What a case runs on.
#[async_trait]
pub trait Stage: Send + Sync {
    /// Opens the log; called again, after the log it gave before was dropped, it opens the same log anew.
    async fn open(&self) -> Arc<dyn EventLog>;

    /// A topic or group name that no other run uses, made from `name`.
    fn name(&self, name: &str) -> String {
        name.to_owned()
    }
}

/// Runs a case within the time it may take.
///
/// # Panics
/// If the case fails or hangs.
pub async fn run_case(case: impl Future<Output = Result<(), StreamError>>) {
    match tokio::time::timeout(CASE_TIMEOUT, case).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => panic!("{error}: {error:?}"),
        Err(_) => panic!("the case did not end within {CASE_TIMEOUT:?}"),
    }
}

/// Makes a `#[tokio::test]` of each case. The argument is an expression that makes a new [`Stage`].
#[macro_export]
macro_rules! conformance_tests {
    ($stage:expr) => {
        $crate::conformance_tests!(@cases $stage;
            a_topic_is_made_once
            unknown_topics_and_bad_names_are_refused
            offsets_are_dense_and_keys_choose_partitions_as_kafka_does
            records_come_back_as_they_were_produced
            records_without_key_are_spread_by_the_log
            a_record_without_timestamp_gets_the_time_of_its_append
            records_too_large_are_parked_and_nothing_is_appended
            concurrent_producers_keep_their_own_order
            produced_records_survive_reopening
            the_end_is_announced_each_time_it_is_reached
            a_waiting_consumer_is_woken
            seek_goes_back_and_forth
            a_position_beyond_the_end_halts
            a_paused_partition_is_silent
            a_paused_partition_can_be_moved
            dropping_next_loses_nothing
            groups_are_independent
            a_group_goes_on_where_it_committed
            what_is_not_assigned_cannot_be_moved
            members_share_the_partitions_and_inherit_them
            members_that_come_and_go_lose_and_repeat_nothing
            a_revoked_partition_can_be_committed_before_it_is_let_go
            a_partition_that_comes_back_is_no_longer_paused
        );
    };
    (@cases $stage:expr; $($case:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let stage = $stage;
                $crate::conformance::run_case($crate::conformance::$case(&stage)).await;
            }
        )*
    };
}

/// Waits for the first assignment.
async fn assigned(member: &mut dyn Subscription) -> Result<Vec<u32>, StreamError> {
    loop {
        if let Message::Assigned(partitions) = member.next().await? {
            return Ok(partitions);
        }
    }
}

/// Consumes until `count` records have come.
async fn consume(member: &mut dyn Subscription, count: usize) -> Result<Vec<ConsumedRecord>, StreamError> {
    let mut records = Vec::new();
    while records.len() < count {
        if let Message::Records(more) = member.next().await? {
            assert!(!more.is_empty(), "a message of no records");
            records.extend(more);
        }
    }
    assert_eq!(records.len(), count, "more records than were produced");
    Ok(records)
}

/// Consumes until each of the partitions `0..partitions` has announced an end, and returns what came before.
async fn consume_to_end(
    member: &mut dyn Subscription,
    partitions: u32,
) -> Result<Vec<ConsumedRecord>, StreamError> {
    let mut records = Vec::new();
    let mut ended = vec![false; partitions as usize];
    while !ended.iter().all(|&ended| ended) {
        match member.next().await? {
            Message::Records(more) => records.extend(more),
            Message::EndOfPartition { partition, .. } => ended[partition as usize] = true,
            Message::Assigned(_) | Message::Revoked(_) => {}
        }
    }
    Ok(records)
}

/// Records `0..count` with their number as payload, all with the key `key`.
fn numbered(key: &str, count: usize) -> Vec<NewRecord> {
    (0..count)
        .map(|number| NewRecord::keyed(key.to_owned(), number.to_string()))
        .collect()
}

fn payloads(records: &[ConsumedRecord]) -> Vec<String> {
    records
        .iter()
        .map(|record| String::from_utf8_lossy(&record.payload).into_owned())
        .collect()
}
