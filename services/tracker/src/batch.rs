//! Consumed records into one store batch per partition, with what could not be read beside it.

use std::collections::BTreeMap;

use ceteris_contract::record::{DECISION_SCHEMA_VERSION, DecisionRecord};
use ceteris_contract::topics::headers;
use ceteris_store::Batch;
use ceteris_stream::{ConsumedRecord, NewRecord, dead_letter};

/// One partition's share of what was consumed.
pub(crate) struct Sorted {
    pub(crate) batch: Batch,
    pub(crate) refused: Vec<NewRecord>,
}

/// Splits by partition, in partition order; offsets within a partition are in order already.
pub(crate) fn sort(records: Vec<ConsumedRecord>) -> Vec<Sorted> {
    let mut by_partition = BTreeMap::<u32, Sorted>::new();
    for record in records {
        let sorted = by_partition.entry(record.partition).or_insert_with(|| Sorted {
            batch: Batch {
                topic: record.topic.to_string(),
                partition: record.partition,
                expected_next: record.offset,
                next: record.offset,
                records: Vec::new(),
            },
            refused: Vec::new(),
        });
        sorted.batch.next = record.offset + 1;
        match read(&record) {
            Ok(decision) => sorted.batch.records.push(decision),
            Err((code, detail)) => sorted.refused.push(dead_letter(&record, code, &detail)),
        }
    }
    by_partition.into_values().collect()
}

fn read(record: &ConsumedRecord) -> Result<DecisionRecord, (&'static str, String)> {
    if let Some(version) = record.header(headers::SCHEMA)
        && version.as_ref() != DECISION_SCHEMA_VERSION.as_bytes()
    {
        let version = String::from_utf8_lossy(version).into_owned();
        return Err((
            "decision_version",
            format!("schema version {version} is not one this build reads"),
        ));
    }
    serde_json::from_slice(&record.payload).map_err(|error| ("decision_not_readable", error.to_string()))
}
