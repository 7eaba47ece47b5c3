//! What a consumer brings its records to.

use std::future::Future;

use ceteris_stream::ConsumedRecord;

use crate::aside::Aside;

/// Where the records of the partitions held go: one store, or several that fail apart.
///
/// The loop calls one method at a time. An error of any of them ends the consumer, so a sink deals with what passes by
/// itself: it takes nothing of the partition for a while ([`next`](Sink::next) gives none) and attaches again later.
pub trait Sink: Send {
    /// Whether it writes dead letters: then their topic is made before anything is read.
    const DEAD_LETTERS: bool;

    /// The partition is this worker's from now on.
    fn assigned(&mut self, partition: u32);

    /// Lets a partition go, with what was not written.
    fn released(&mut self, partition: u32);

    /// Looks up the positions of record of partitions that it takes nothing of, as far as that is due.
    ///
    /// # Errors
    /// What no patience mends.
    fn attach(&mut self) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// The offset of the record to read next; none while nothing of the partition can be taken. Reading stands there at
    /// every [`take`](Sink::take), or is paused.
    fn next(&self, partition: u32) -> Option<u64>;

    /// Takes records of partitions that are held, in order within each. Afterwards [`next`](Sink::next) is behind
    /// the last one of each partition, or none.
    ///
    /// # Errors
    /// What no patience mends.
    fn take(
        &mut self,
        records: Vec<ConsumedRecord>,
        aside: &mut Aside,
    ) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Passes an offset whose content is no record, for the reason given.
    fn pass(&mut self, partition: u32, offset: u64, detail: &str, aside: &mut Aside);

    /// Writes what is due. Called only while nothing waits to be set aside, so that no position passes a record that
    /// is in neither place; a sink that sets something aside here stops before it writes past that. `caught_up`: the
    /// reading has reached the end of every partition held.
    ///
    /// # Errors
    /// What no patience mends.
    fn write_due(
        &mut self,
        caught_up: bool,
        aside: &mut Aside,
    ) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Writes what waits of these partitions, as far as that can be done now. Called before they are let go, which may
    /// happen in the middle of it.
    ///
    /// # Errors
    /// What no patience mends.
    fn drain(
        &mut self,
        partitions: &[u32],
        aside: &mut Aside,
    ) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Returns when there is something to do without a message. Cancel-safe.
    ///
    /// # Errors
    /// What no patience mends.
    fn wake(&mut self) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// The position of record: everything before it is durable in every store. None while that is not known.
    fn durable(&self, partition: u32) -> Option<u64>;
}
