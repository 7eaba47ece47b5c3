//! Actions of a Delta commit, one JSON object per line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One action that we write. Keys are those of the protocol.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Action {
    CommitInfo(CommitInfo),
    Protocol(Protocol),
    MetaData(Metadata),
    Txn(Txn),
    Add(Add),
    Remove(Remove),
}

/// Who wrote the commit and why; for people only.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CommitInfo {
    pub timestamp: i64,
    pub operation: &'static str,
    pub operation_parameters: BTreeMap<&'static str, &'static str>,
    pub is_blind_append: bool,
    pub engine_info: &'static str,
}

impl CommitInfo {
    pub(crate) fn new(operation: &'static str, at_ms: i64) -> Self {
        let append = operation == "WRITE";
        CommitInfo {
            timestamp: at_ms,
            operation,
            operation_parameters: if append {
                BTreeMap::from([("mode", "Append")])
            } else {
                BTreeMap::new()
            },
            is_blind_append: append,
            engine_info: concat!("ceteris/", env!("CARGO_PKG_VERSION")),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Protocol {
    pub min_reader_version: i32,
    pub min_writer_version: i32,
}

/// What this build reads and writes.
pub(crate) const PROTOCOL: Protocol = Protocol {
    min_reader_version: 1,
    min_writer_version: 2,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub format: Format,
    pub schema_string: String,
    pub partition_columns: Vec<String>,
    #[serde(default)]
    pub configuration: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_time: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Format {
    pub provider: String,
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

/// The next offset of one topic-partition: `app_id` is `<topic>/<partition>`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Txn {
    pub app_id: String,
    pub version: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_updated: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Add {
    /// Relative to the table, percent-encoded.
    pub path: String,
    #[serde(default)]
    pub partition_values: BTreeMap<String, Option<String>>,
    pub size: i64,
    pub modification_time: i64,
    pub data_change: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stats: Option<String>,
}

impl Add {
    /// Rows of the file, where its writer counted them.
    pub(crate) fn num_records(&self) -> Option<u64> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Stats {
            num_records: u64,
        }
        serde_json::from_str::<Stats>(self.stats.as_deref()?)
            .ok()
            .map(|stats| stats.num_records)
    }

    pub(crate) fn partition_value(&self, column: &str) -> Option<&str> {
        self.partition_values.get(column)?.as_deref()
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Remove {
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_timestamp: Option<i64>,
    #[serde(default)]
    pub data_change: bool,
}

/// One line of a commit as read: the first known key is the action, unknown ones are none of ours.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    protocol: Option<Protocol>,
    meta_data: Option<Metadata>,
    txn: Option<Txn>,
    add: Option<Add>,
    remove: Option<Remove>,
}

impl Line {
    fn action(self) -> Option<Action> {
        (self.protocol.map(Action::Protocol))
            .or(self.meta_data.map(Action::MetaData))
            .or(self.txn.map(Action::Txn))
            .or(self.add.map(Action::Add))
            .or(self.remove.map(Action::Remove))
    }
}

/// The body of a commit.
pub(crate) fn write_actions(actions: &[Action]) -> Result<Vec<u8>, serde_json::Error> {
    let mut body = Vec::new();
    for action in actions {
        serde_json::to_writer(&mut body, action)?;
        body.push(b'\n');
    }
    Ok(body)
}

/// The actions of a commit's body that change what the table holds.
pub(crate) fn read_actions(body: &[u8]) -> Result<Vec<Action>, serde_json::Error> {
    let mut actions = Vec::new();
    for line in body.split(|byte| *byte == b'\n') {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        actions.extend(serde_json::from_slice::<Line>(line)?.action());
    }
    Ok(actions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_skips_what_it_does_not_know() {
        let txn = Action::Txn(Txn {
            app_id: "user_events/3".into(),
            version: 17,
            last_updated: Some(5),
        });
        let mut body =
            write_actions(&[Action::CommitInfo(CommitInfo::new("WRITE", 1)), txn.clone()]).unwrap();
        body.extend(b"{\"domainMetadata\":{\"domain\":\"x\"}}\n\n");
        assert_eq!(read_actions(&body).unwrap(), vec![txn]);
        let text = String::from_utf8(body).unwrap();
        assert!(
            text.contains(r#"{"txn":{"appId":"user_events/3","version":17,"lastUpdated":5}}"#),
            "{text}"
        );
        assert!(read_actions(b"{\"add\":{\"path\":3}}").is_err());
    }
}
