//! The offsets of record, as `txn` actions name them.

use std::collections::BTreeMap;

/// Next offset by (topic, partition).
pub type Offsets = BTreeMap<(String, u32), u64>;

/// `<topic>/<partition>`.
pub(crate) fn app_id(topic: &str, partition: u32) -> String {
    format!("{topic}/{partition}")
}

/// The topic and partition of an application id; `None` for those of other writers.
pub(crate) fn read_app_id(id: &str) -> Option<(String, u32)> {
    let (topic, partition) = id.rsplit_once('/')?;
    Some((topic.to_owned(), partition.parse().ok()?))
}
