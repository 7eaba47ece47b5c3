//! A checkpoint's Parquet form: one nullable struct column per kind of action, one action a row.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, MapBuilder, MapFieldNames, StringBuilder};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray, StructArray,
    new_null_array,
};
use arrow_schema::{ArrowError, Field, Fields, Schema};
use bytes::Bytes;

use crate::delta::action::{Action, Add, Metadata, Protocol, Remove, Txn};
use crate::error::LakeError;
use crate::parquet_file;

/// The column that each kind of action stands in.
pub(crate) const COLUMNS: [&str; 5] = ["protocol", "metaData", "txn", "add", "remove"];

/// Actions by kind, in the order of [`COLUMNS`].
#[derive(Default)]
struct Kinds<'a> {
    protocol: Vec<&'a Protocol>,
    metadata: Vec<&'a Metadata>,
    txn: Vec<&'a Txn>,
    add: Vec<&'a Add>,
    remove: Vec<&'a Remove>,
}

/// The checkpoint file of these actions.
pub(crate) fn encode(actions: &[Action]) -> Result<Bytes, LakeError> {
    let mut kinds = Kinds::default();
    for action in actions {
        match action {
            Action::Protocol(protocol) => kinds.protocol.push(protocol),
            Action::MetaData(metadata) => kinds.metadata.push(metadata),
            Action::Txn(txn) => kinds.txn.push(txn),
            Action::Add(add) => kinds.add.push(add),
            Action::Remove(remove) => kinds.remove.push(remove),
            Action::CommitInfo(_) => {}
        }
    }
    let batches = batches(&kinds).map_err(|source| LakeError::encode("a checkpoint", source))?;
    parquet_file::encode(&batches, &[]).map_err(|source| LakeError::encode("a checkpoint", source))
}

/// One batch per kind of action: the kind's column is filled, the others are null.
fn batches(kinds: &Kinds<'_>) -> Result<Vec<RecordBatch>, ArrowError> {
    let filled: [StructArray; 5] = [
        protocols(&kinds.protocol)?,
        metadatas(&kinds.metadata)?,
        txns(&kinds.txn)?,
        adds(&kinds.add)?,
        removes(&kinds.remove)?,
    ];
    let fields: Vec<Field> = (COLUMNS.iter().zip(&filled))
        .map(|(name, column)| Field::new(*name, column.data_type().clone(), true))
        .collect();
    let schema = Arc::new(Schema::new(fields));
    let mut batches = Vec::new();
    for (kind, column) in filled.iter().enumerate() {
        let columns = (0..filled.len())
            .map(|other| match other == kind {
                true => Arc::new(column.clone()) as ArrayRef,
                false => new_null_array(filled[other].data_type(), column.len()),
            })
            .collect();
        batches.push(RecordBatch::try_new(schema.clone(), columns)?);
    }
    Ok(batches)
}

fn structure(columns: Vec<(&str, ArrayRef)>) -> Result<StructArray, ArrowError> {
    let fields: Fields = (columns.iter())
        .map(|(name, column)| Field::new(*name, column.data_type().clone(), true))
        .collect();
    StructArray::try_new(
        fields,
        columns.into_iter().map(|(_, column)| column).collect(),
        None,
    )
}

fn protocols(rows: &[&Protocol]) -> Result<StructArray, ArrowError> {
    structure(vec![
        (
            "minReaderVersion",
            Arc::new(
                rows.iter()
                    .map(|p| Some(p.min_reader_version))
                    .collect::<Int32Array>(),
            ),
        ),
        (
            "minWriterVersion",
            Arc::new(
                rows.iter()
                    .map(|p| Some(p.min_writer_version))
                    .collect::<Int32Array>(),
            ),
        ),
    ])
}

fn metadatas(rows: &[&Metadata]) -> Result<StructArray, ArrowError> {
    let options = rows.iter().map(|m| some_values(&m.format.options));
    let format = structure(vec![
        (
            "provider",
            texts(rows.iter().map(|m| Some(m.format.provider.as_str()))),
        ),
        ("options", maps(options)?),
    ])?;
    let mut partitions = ListBuilder::new(StringBuilder::new());
    for metadata in rows {
        partitions.append_value(metadata.partition_columns.iter().map(Some));
    }
    structure(vec![
        ("id", texts(rows.iter().map(|m| Some(m.id.as_str())))),
        ("name", texts(rows.iter().map(|m| m.name.as_deref()))),
        ("format", Arc::new(format)),
        (
            "schemaString",
            texts(rows.iter().map(|m| Some(m.schema_string.as_str()))),
        ),
        ("partitionColumns", Arc::new(partitions.finish())),
        (
            "configuration",
            maps(rows.iter().map(|m| some_values(&m.configuration)))?,
        ),
        (
            "createdTime",
            Arc::new(rows.iter().map(|m| m.created_time).collect::<Int64Array>()),
        ),
    ])
}

fn txns(rows: &[&Txn]) -> Result<StructArray, ArrowError> {
    structure(vec![
        ("appId", texts(rows.iter().map(|t| Some(t.app_id.as_str())))),
        (
            "version",
            Arc::new(rows.iter().map(|t| Some(t.version)).collect::<Int64Array>()),
        ),
        (
            "lastUpdated",
            Arc::new(rows.iter().map(|t| t.last_updated).collect::<Int64Array>()),
        ),
    ])
}

fn adds(rows: &[&Add]) -> Result<StructArray, ArrowError> {
    structure(vec![
        ("path", texts(rows.iter().map(|a| Some(a.path.as_str())))),
        (
            "partitionValues",
            maps(rows.iter().map(|a| a.partition_values.clone()))?,
        ),
        (
            "size",
            Arc::new(rows.iter().map(|a| Some(a.size)).collect::<Int64Array>()),
        ),
        (
            "modificationTime",
            Arc::new(
                rows.iter()
                    .map(|a| Some(a.modification_time))
                    .collect::<Int64Array>(),
            ),
        ),
        (
            "dataChange",
            Arc::new(rows.iter().map(|a| Some(a.data_change)).collect::<BooleanArray>()),
        ),
        ("stats", texts(rows.iter().map(|a| a.stats.as_deref()))),
    ])
}

fn removes(rows: &[&Remove]) -> Result<StructArray, ArrowError> {
    structure(vec![
        ("path", texts(rows.iter().map(|r| Some(r.path.as_str())))),
        (
            "deletionTimestamp",
            Arc::new(rows.iter().map(|r| r.deletion_timestamp).collect::<Int64Array>()),
        ),
        (
            "dataChange",
            Arc::new(rows.iter().map(|r| Some(r.data_change)).collect::<BooleanArray>()),
        ),
    ])
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn some_values(map: &BTreeMap<String, String>) -> BTreeMap<String, Option<String>> {
    map.iter()
        .map(|(key, value)| (key.clone(), Some(value.clone())))
        .collect()
}

fn maps(rows: impl Iterator<Item = BTreeMap<String, Option<String>>>) -> Result<ArrayRef, ArrowError> {
    let names = MapFieldNames {
        entry: "key_value".to_owned(),
        key: "key".to_owned(),
        value: "value".to_owned(),
    };
    let mut builder = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for row in rows {
        for (key, value) in row {
            builder.keys().append_value(key);
            builder.values().append_option(value);
        }
        builder.append(true)?;
    }
    Ok(Arc::new(builder.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delta::action::{Format, PROTOCOL};
    use crate::delta::checkpoint_read::decode;

    #[test]
    fn a_checkpoint_reads_back_whole() {
        let pairs = BTreeMap::from([
            ("dt".to_owned(), Some("2026-01-01".to_owned())),
            ("x".to_owned(), None),
        ]);
        let add = |path: &str, stats: Option<&str>| {
            Action::Add(Add {
                path: path.into(),
                partition_values: pairs.clone(),
                size: 10,
                modification_time: 20,
                data_change: true,
                stats: stats.map(str::to_owned),
            })
        };
        let actions = vec![
            Action::Protocol(PROTOCOL),
            Action::MetaData(Metadata {
                id: "i".into(),
                name: Some("events".into()),
                format: Format {
                    provider: "parquet".into(),
                    options: BTreeMap::new(),
                },
                schema_string: "{}".into(),
                partition_columns: vec!["dt".into(), "bucket".into()],
                configuration: BTreeMap::from([("ceteris.buckets".into(), "8".into())]),
                created_time: Some(1),
            }),
            Action::Txn(Txn {
                app_id: "t/0".into(),
                version: 9,
                last_updated: None,
            }),
            Action::Txn(Txn {
                app_id: "t/1".into(),
                version: 7,
                last_updated: Some(3),
            }),
            add("a", Some("{\"numRecords\":3}")),
            add("b", None),
            Action::Remove(Remove {
                path: "c".into(),
                deletion_timestamp: Some(4),
                data_change: false,
            }),
        ];
        assert_eq!(decode(encode(&actions).unwrap()).unwrap(), actions);
        assert!(decode(Bytes::from_static(b"PAR1 nonsense")).is_err());
    }
}
