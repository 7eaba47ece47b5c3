//! Reading a checkpoint, ours or another writer's: columns by name, absent ones as null.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, RecordBatch, StructArray};
use bytes::Bytes;

use crate::delta::action::{Action, Add, Format, Metadata, Protocol, Remove, Txn};
use crate::delta::checkpoint::COLUMNS;
use crate::parquet_file::{self, Fault};

/// The actions of a checkpoint file.
pub(crate) fn decode(bytes: Bytes) -> Result<Vec<Action>, Fault> {
    let mut actions = Vec::new();
    parquet_file::decode(bytes, Some(&COLUMNS), |batch| collect(batch, &mut actions))?;
    Ok(actions)
}

fn collect(batch: &RecordBatch, actions: &mut Vec<Action>) -> Result<(), Fault> {
    for kind in COLUMNS {
        let Some(column) = batch
            .column_by_name(kind)
            .and_then(|column| column.as_struct_opt())
        else {
            continue;
        };
        let rows = Rows(column);
        for row in (0..column.len()).filter(|row| column.is_valid(*row)) {
            actions.push(match kind {
                "protocol" => Action::Protocol(Protocol {
                    min_reader_version: rows.int("minReaderVersion", row)?,
                    min_writer_version: rows.int("minWriterVersion", row)?,
                }),
                "metaData" => Action::MetaData(rows.metadata(row)?),
                "txn" => Action::Txn(Txn {
                    app_id: rows.need_text("appId", row)?,
                    version: rows.need_long("version", row)?,
                    last_updated: rows.long("lastUpdated", row),
                }),
                "add" => Action::Add(rows.add(row)?),
                _ => Action::Remove(Remove {
                    path: rows.need_text("path", row)?,
                    deletion_timestamp: rows.long("deletionTimestamp", row),
                    data_change: rows.flag("dataChange", row),
                }),
            });
        }
    }
    Ok(())
}

/// The rows of one kind of action.
struct Rows<'a>(&'a StructArray);

impl Rows<'_> {
    fn text(&self, name: &str, row: usize) -> Option<String> {
        let column = self.0.column_by_name(name)?.as_string_opt::<i32>()?;
        column.is_valid(row).then(|| column.value(row).to_owned())
    }

    fn need_text(&self, name: &str, row: usize) -> Result<String, Fault> {
        self.text(name, row)
            .ok_or_else(|| format!("the field {name} is missing").into())
    }

    fn long(&self, name: &str, row: usize) -> Option<i64> {
        let column = self.0.column_by_name(name)?.as_primitive_opt::<Int64Type>()?;
        column.is_valid(row).then(|| column.value(row))
    }

    fn need_long(&self, name: &str, row: usize) -> Result<i64, Fault> {
        self.long(name, row)
            .ok_or_else(|| format!("the field {name} is missing").into())
    }

    fn int(&self, name: &str, row: usize) -> Result<i32, Fault> {
        let column = self
            .0
            .column_by_name(name)
            .and_then(|column| column.as_primitive_opt::<Int32Type>());
        let column = column.ok_or_else(|| format!("the field {name} is missing"))?;
        Ok(column.value(row))
    }

    fn flag(&self, name: &str, row: usize) -> bool {
        (self.0.column_by_name(name))
            .and_then(|column| column.as_boolean_opt())
            .is_some_and(|column| column.is_valid(row) && column.value(row))
    }

    fn map(&self, name: &str, row: usize) -> BTreeMap<String, Option<String>> {
        let Some(column) = self.0.column_by_name(name).and_then(|column| column.as_map_opt()) else {
            return BTreeMap::new();
        };
        if column.is_null(row) {
            return BTreeMap::new();
        }
        let entries = column.value(row);
        let (Some(keys), Some(values)) = (
            entries.column(0).as_string_opt::<i32>(),
            entries.column(1).as_string_opt::<i32>(),
        ) else {
            return BTreeMap::new();
        };
        (0..keys.len())
            .map(|i| {
                (
                    keys.value(i).to_owned(),
                    values.is_valid(i).then(|| values.value(i).to_owned()),
                )
            })
            .collect()
    }

    fn full_map(&self, name: &str, row: usize) -> BTreeMap<String, String> {
        self.map(name, row)
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .collect()
    }

    fn list(&self, name: &str, row: usize) -> Vec<String> {
        let Some(column) = self
            .0
            .column_by_name(name)
            .and_then(|column| column.as_list_opt::<i32>())
        else {
            return Vec::new();
        };
        if column.is_null(row) {
            return Vec::new();
        }
        let values = column.value(row);
        match values.as_string_opt::<i32>() {
            Some(texts) => texts.iter().flatten().map(str::to_owned).collect(),
            None => Vec::new(),
        }
    }

    fn metadata(&self, row: usize) -> Result<Metadata, Fault> {
        let format = self
            .0
            .column_by_name("format")
            .and_then(|column| column.as_struct_opt());
        let format = match format {
            Some(column) => Format {
                provider: Rows(column)
                    .text("provider", row)
                    .unwrap_or_else(|| "parquet".to_owned()),
                options: Rows(column).full_map("options", row),
            },
            None => Format {
                provider: "parquet".to_owned(),
                options: BTreeMap::new(),
            },
        };
        Ok(Metadata {
            id: self.need_text("id", row)?,
            name: self.text("name", row),
            format,
            schema_string: self.need_text("schemaString", row)?,
            partition_columns: self.list("partitionColumns", row),
            configuration: self.full_map("configuration", row),
            created_time: self.long("createdTime", row),
        })
    }

    fn add(&self, row: usize) -> Result<Add, Fault> {
        Ok(Add {
            path: self.need_text("path", row)?,
            partition_values: self.map("partitionValues", row),
            size: self.need_long("size", row)?,
            modification_time: self.long("modificationTime", row).unwrap_or(0),
            data_change: self.flag("dataChange", row),
            stats: self.text("stats", row),
        })
    }
}
