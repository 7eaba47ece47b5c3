//! Fixing what answers a request: the lake, once it holds everything that the log held when the request was first seen.

use std::collections::BTreeMap;

use ceteris_chassis::worklist::Fault;
use ceteris_contract::time::Timestamp;
use ceteris_contract::topics::{CAUSAL_DECISIONS, USER_EVENTS};
use ceteris_lake::{DatasetRequest, Offsets, Pin};
use ceteris_stream::StreamError;

use super::Worker;
use crate::plan::{DECISIONS, EVENTS};

/// Where the log ended at an instant.
#[derive(Clone, Debug)]
pub(crate) struct Ends {
    at: Timestamp,
    events: Vec<u64>,
    decisions: Vec<u64>,
}

impl Worker {
    /// The pin of a request, or none while the lake is behind.
    pub(super) async fn pin(&mut self, id: &str, request: &DatasetRequest) -> Result<Option<Pin>, Fault> {
        let ends = match self.ends.get(id) {
            Some(ends) => ends.clone(),
            None => {
                let ends = self.log_ends().await?;
                self.ends.insert(id.to_owned(), ends.clone());
                ends
            }
        };
        let lake = &self.deps.lake;
        let behind = behind(USER_EVENTS, &ends.events, &lake.events().offsets().await?)
            + behind(
                CAUSAL_DECISIONS,
                &ends.decisions,
                &lake.decisions().offsets().await?,
            );
        self.metrics.behind.set(i64::try_from(behind).unwrap_or(i64::MAX));
        if behind > 0 {
            return Ok(None);
        }
        let latest = self.deps.registry.get_problem(&request.problem, None).await?;
        let latest = latest
            .ok_or_else(|| Fault::lasting(format!("the registry has no problem {}", request.problem)))?;
        let versions = [
            (EVENTS, lake.events().snapshot(None).await?.version),
            (DECISIONS, lake.decisions().snapshot(None).await?.version),
        ];
        // In a world whose time its events make, whoever asks knows how far it has come; else the log was whole up to the
        // instant at which its ends were read.
        let known = match self.deps.clock.follows_events() {
            true => request.as_of,
            false => request.as_of.min(ends.at),
        };
        let pin = Pin {
            problem_digest: latest.digest,
            lake_versions: versions
                .map(|(table, version)| (table.to_owned(), version))
                .into(),
            watermark: known,
        };
        let pinned = self.deps.datasets.pin(&request.problem, id, &pin).await?;
        self.ends.remove(id);
        Ok(Some(pinned))
    }

    async fn log_ends(&self) -> Result<Ends, Fault> {
        // The instant comes first: what was appended before it is before the ends.
        let at = self.deps.clock.now();
        let events = match self.deps.log.end_offsets(USER_EVENTS).await {
            // Whoever makes the topics may come later.
            Err(StreamError::UnknownTopic { topic }) => {
                return Err(Fault::passing(format!("there is no topic {topic} yet")));
            }
            ends => ends?,
        };
        let decisions = match self.deps.log.end_offsets(CAUSAL_DECISIONS).await {
            Err(StreamError::UnknownTopic { .. }) => Vec::new(),
            ends => ends?,
        };
        Ok(Ends {
            at,
            events,
            decisions,
        })
    }
}

/// Records of a topic before its ends that the lake has not passed.
fn behind(topic: &str, ends: &[u64], offsets: &Offsets) -> u64 {
    let positions: BTreeMap<u32, u64> = (offsets.iter())
        .filter(|((of, _), _)| of == topic)
        .map(|((_, partition), next)| (*partition, *next))
        .collect();
    let missing = |(partition, end): (usize, &u64)| {
        let position = u32::try_from(partition)
            .ok()
            .and_then(|partition| positions.get(&partition));
        end.saturating_sub(position.copied().unwrap_or(0))
    };
    ends.iter().enumerate().map(missing).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lake_is_behind_by_what_it_has_not_passed() {
        let at = |topic: &str, partition, next| ((topic.to_owned(), partition), next);
        let offsets = Offsets::from([at("a", 0, 10), at("a", 1, 3), at("b", 2, 9)]);
        assert_eq!(behind("a", &[10, 3, 0], &offsets), 0);
        assert_eq!(behind("a", &[8, 5, 4], &offsets), 2 + 4);
        assert_eq!(behind("c", &[], &offsets), 0);
    }
}
