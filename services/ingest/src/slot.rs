//! One problem's features on one partition as a place that records go to: away, being rebuilt, or followed.

use std::collections::BTreeSet;

use anyhow::anyhow;
use ceteris_chassis::backoff::Backoff;
use ceteris_chassis::clock::Clock;
use ceteris_contract::identity::UnitKey;
use ceteris_contract::time::Timestamp;
use ceteris_contract::topics::USER_EVENTS;
use tokio::task::JoinHandle;

use crate::metrics::Metrics;
use crate::online::{Online, Place, UNFINISHED};
use crate::rebuild::{Source, rebuild};
use crate::trouble::{Trouble, backoff};

/// A slot this worker holds.
pub(crate) struct SlotPlace {
    place: Place,
    source: Source,
    retry: Backoff,
    state: State,
}

enum State {
    Left,
    Rebuilding(JoinHandle<Result<u64, Trouble>>),
    Following(Online),
}

impl SlotPlace {
    pub(crate) fn new(place: Place, source: Source) -> Self {
        SlotPlace {
            place,
            source,
            retry: backoff(),
            state: State::Left,
        }
    }

    pub(crate) fn is_due(&self) -> bool {
        match &self.state {
            State::Left => self.retry.is_due(),
            State::Rebuilding(task) => task.is_finished(),
            State::Following(_) => false,
        }
    }

    pub(crate) fn following(&mut self) -> Option<&mut Online> {
        match &mut self.state {
            State::Following(online) => Some(online),
            State::Left | State::Rebuilding(_) => None,
        }
    }

    /// The offset of the record to be taken next; none while it is not followed.
    pub(crate) fn next(&self) -> Option<u64> {
        match &self.state {
            State::Following(online) => Some(online.next()),
            State::Left | State::Rebuilding(_) => None,
        }
    }

    /// The offset after the last record that the store holds; none while that is not known.
    pub(crate) fn durable(&self) -> Option<u64> {
        match &self.state {
            State::Following(online) => Some(online.durable()),
            State::Left | State::Rebuilding(_) => None,
        }
    }

    /// Goes on with a slot that [is due](Self::is_due), where the log's oldest record is `first`.
    pub(crate) async fn attach(
        &mut self,
        first: u64,
        clock: &Clock,
        metrics: &Metrics,
    ) -> anyhow::Result<()> {
        let attached = match std::mem::replace(&mut self.state, State::Left) {
            State::Rebuilding(task) => self.rebuilt(task, clock, metrics).await.map(Some),
            State::Left => self.claim(first, clock).await,
            State::Following(online) => Ok(Some(online)),
        };
        match attached {
            Ok(Some(online)) => {
                self.state = State::Following(online);
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(trouble) => self.leave(trouble, "attach a feature partition", metrics),
        }
    }

    /// Claims the slot and decides where it goes on: at its marker if the log still reaches back to it, else at what
    /// the lake holds, through a rebuild.
    async fn claim(&mut self, first: u64, clock: &Clock) -> Result<Option<Online>, Trouble> {
        let Place {
            store, slot, owner, ..
        } = &self.place;
        let claimed = store.claim(*slot, *owner).await?;
        let marker = claimed.filter(|marker| marker.at != UNFINISHED);
        if let Some(marker) = marker {
            clock.observe(marker.at);
            if marker.next_offset >= first {
                let place = self.place.clone();
                return Ok(Some(Online::at(place, Some((marker.next_offset, marker.at)))));
            }
        }
        let offsets = self.source.lake.offsets().await?;
        let key = (USER_EVENTS.to_owned(), u32::from(slot.partition));
        let kept = offsets.get(&key).copied().unwrap_or(0);
        if kept > marker.map_or(0, |marker| marker.next_offset) {
            let (place, source) = (self.place.clone(), self.source.clone());
            self.state = State::Rebuilding(tokio::spawn(async move { rebuild(&place, &source).await }));
            return Ok(None);
        }
        if claimed.is_some() && marker.is_none() {
            // Half a rebuild, of a lake that is not there any more.
            store.reset(*slot, *owner).await?;
        }
        let place = self.place.clone();
        Ok(Some(Online::at(
            place,
            marker.map(|marker| (marker.next_offset, marker.at)),
        )))
    }

    /// Takes a rebuild over, and makes it count.
    async fn rebuilt(
        &mut self,
        task: JoinHandle<Result<u64, Trouble>>,
        clock: &Clock,
        metrics: &Metrics,
    ) -> Result<Online, Trouble> {
        let next = task
            .await
            .map_err(|error| Trouble::halt(anyhow!(error).context("a rebuild ended early")))??;
        let Place {
            store, slot, owner, ..
        } = &self.place;
        let now = clock.now();
        store.flush(*slot, *owner, Vec::new(), next, now).await?;
        metrics.rebuilds.inc();
        Ok(Online::at(self.place.clone(), Some((next, now))))
    }

    /// Writes what changed and the marker, if the slot is followed.
    pub(crate) async fn flush(
        &mut self,
        now: Timestamp,
        always: bool,
        resident_max: usize,
        metrics: &Metrics,
    ) -> anyhow::Result<()> {
        let State::Following(online) = &mut self.state else {
            return Ok(());
        };
        match online.flush(now, always, metrics).await {
            Ok(()) => {
                online.shrink(resident_max);
                self.retry.succeeded();
                Ok(())
            }
            Err(trouble) => self.leave(trouble, "flush features", metrics),
        }
    }

    /// Brings units into memory, if the slot is followed.
    pub(crate) async fn load(&mut self, units: &BTreeSet<UnitKey>, metrics: &Metrics) -> anyhow::Result<()> {
        let State::Following(online) = &mut self.state else {
            return Ok(());
        };
        match online.load(units).await {
            Ok(()) => Ok(()),
            Err(trouble) => self.leave(trouble, "read features", metrics),
        }
    }

    /// Stops following: what is in memory is dropped, and will be read again.
    pub(crate) fn leave(
        &mut self,
        trouble: Trouble,
        operation: &'static str,
        metrics: &Metrics,
    ) -> anyhow::Result<()> {
        self.state = State::Left;
        let code = trouble.weigh(&mut self.retry, operation)?;
        metrics.retries.with_label_values(&["features", code]).inc();
        Ok(())
    }
}

impl Drop for SlotPlace {
    fn drop(&mut self) {
        if let State::Rebuilding(task) = &self.state {
            task.abort();
        }
    }
}
