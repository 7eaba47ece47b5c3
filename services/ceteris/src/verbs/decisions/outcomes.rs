//! What happened after each decision, from the lake: the problem's outcomes over their windows, once they are mature.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::Context;
use ceteris_contract::event::StoredEvent;
use ceteris_contract::identity::{Unit, UnitKey};
use ceteris_contract::problem::{Problem, Source};
use ceteris_contract::time::Timestamp;
use ceteris_features::AfterSet;
use ceteris_lake::{EventColumn, EventRow, Snapshot};
use ceteris_registry::Registry;
use serde_json::{Value, json};

use crate::verbs::decisions::source::History;

/// A decision as far as its outcomes depend on it.
pub(crate) struct Decided {
    pub(crate) decision_id: String,
    pub(crate) problem: String,
    pub(crate) unit: Unit,
    pub(crate) at: Timestamp,
}

/// Outcome columns, and their values by decision; a decision whose window is not over yet has none.
#[derive(Default)]
pub(crate) struct Outcomes {
    pub(crate) columns: Vec<String>,
    values: HashMap<String, BTreeMap<String, Value>>,
}

impl Outcomes {
    /// The value of a column for a decision; null where it is not known yet.
    pub(crate) fn value(&self, decision_id: &str, column: &str) -> Value {
        self.values
            .get(decision_id)
            .and_then(|row| row.get(column))
            .cloned()
            .unwrap_or(Value::Null)
    }

    /// Reads the outcomes of these decisions from the events of the lake.
    pub(crate) async fn read(history: &History, decided: &[Decided]) -> anyhow::Result<Outcomes> {
        let mut outcomes = Outcomes::default();
        let names: BTreeSet<&str> = decided.iter().map(|one| one.problem.as_str()).collect();
        if names.is_empty() {
            return Ok(outcomes);
        }
        let History { lake, registry } = history;
        let snapshot = lake.events().snapshot(None).await.context("read the lake")?;
        let seen_until = newest(&snapshot).await?;
        for name in names {
            let Some(problem) = problem(registry, name).await? else {
                continue;
            };
            outcomes
                .columns
                .extend(problem.outcomes.iter().map(|outcome| outcome.column()));
            for bucket in 0..lake.buckets() {
                let of_bucket =
                    |one: &&Decided| one.problem == name && one.unit.bucket(lake.buckets()) == bucket;
                let here: Vec<&Decided> = decided.iter().filter(of_bucket).collect();
                if !here.is_empty() {
                    outcomes
                        .read_bucket(&problem, &snapshot, bucket, &here, seen_until)
                        .await?;
                }
            }
        }
        outcomes.columns.sort();
        outcomes.columns.dedup();
        Ok(outcomes)
    }

    async fn read_bucket(
        &mut self,
        problem: &Problem,
        snapshot: &Snapshot<EventRow>,
        bucket: u16,
        decided: &[&Decided],
        seen_until: Timestamp,
    ) -> anyhow::Result<()> {
        let after = AfterSet::compile(problem).context("compile the outcomes")?;
        let events = snapshot
            .read_bucket(bucket, EventColumn::ALL)
            .await
            .context("read the lake")?;
        let histories = histories(events, &after, decided);
        let nothing = after.collect(std::iter::empty());
        for one in decided {
            let history = histories.get(&one.unit.key).map(|events| after.collect(events));
            // The set holds outcomes first, in file order.
            let values = after.values(history.as_ref().unwrap_or(&nothing), one.at);
            let row = self.values.entry(one.decision_id.clone()).or_default();
            for (outcome, value) in problem.outcomes.iter().zip(values) {
                if one.at.plus(outcome.window()).plus(lateness(problem)) <= seen_until {
                    row.insert(outcome.column(), json!(value));
                }
            }
        }
        Ok(())
    }
}

fn lateness(problem: &Problem) -> ceteris_contract::duration::Span {
    match &problem.source {
        Source::Events { lateness, .. } => *lateness,
        Source::Table { .. } => ceteris_contract::duration::Span(0),
    }
}

/// The problem's newest version, if its outcomes are events.
async fn problem(registry: &Registry, name: &str) -> anyhow::Result<Option<Problem>> {
    let Some(source) = registry.get_problem(name, None).await.context("read a problem")? else {
        return Ok(None);
    };
    let problem = Problem::from_yaml(&source.yaml)
        .map_err(|faults| anyhow::anyhow!("problem {name} in the registry has {} faults", faults.len()))?;
    Ok(matches!(problem.source, Source::Events { .. }).then_some(problem))
}

/// Events of the units decided about, each once, in order.
fn histories(
    events: Vec<StoredEvent>,
    after: &AfterSet,
    decided: &[&Decided],
) -> BTreeMap<UnitKey, Vec<StoredEvent>> {
    let units: BTreeSet<UnitKey> = decided.iter().map(|one| one.unit.key).collect();
    let mut histories = BTreeMap::<UnitKey, Vec<StoredEvent>>::new();
    for event in events {
        if units.contains(&event.unit.key) && after.reads(&event.event_type) {
            histories.entry(event.unit.key).or_default().push(event);
        }
    }
    for events in histories.values_mut() {
        events.sort_by(|a, b| (a.ts, &a.event_id).cmp(&(b.ts, &b.event_id)));
        events.dedup_by(|a, b| a.event_id == b.event_id);
    }
    histories
}

/// The newest event the lake holds: a window that ends later is not over.
async fn newest(snapshot: &Snapshot<EventRow>) -> anyhow::Result<Timestamp> {
    let visit = |newest: &mut Timestamp, event: ceteris_lake::EventRef<'_>| *newest = (*newest).max(event.ts);
    snapshot
        .scan(None, &[EventColumn::Ts], Timestamp::default(), visit)
        .await
        .context("read the lake")
}
