//! What a row of a lake table is: its place (date and bucket) and its columns.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow_schema::{ArrowError, DataType, Field, SchemaRef, TimeUnit};
use ceteris_contract::identity::{Unit, UnitKey};
use ceteris_contract::time::Timestamp;

use crate::parquet_file::Fault;

/// A row of one of the lake's tables.
pub trait Row: Send + Sync + Sized + 'static {
    /// The table's folder and name.
    const TABLE: &'static str;

    /// Whom the row is about; decides its bucket.
    fn unit(&self) -> Unit;
    /// When it happened; decides its date.
    fn ts(&self) -> Timestamp;
    /// The data columns.
    fn schema() -> SchemaRef;
    /// The rows as columns.
    fn encode(rows: &[Self]) -> Result<RecordBatch, ArrowError>;
}

/// Where the event log holds the record that a row came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPosition {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: u32,
    /// The record's offset.
    pub offset: u64,
}

/// The type of every instant: microseconds, UTC.
pub(crate) fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

pub(crate) fn instants(values: impl Iterator<Item = Timestamp>) -> ArrayRef {
    let micros: TimestampMicrosecondArray = values.map(|at| at.0).collect::<Vec<i64>>().into();
    Arc::new(micros.with_timezone("UTC"))
}

pub(crate) fn texts<'a>(values: impl Iterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

pub(crate) fn units(rows: impl Iterator<Item = Unit> + Clone) -> [ArrayRef; 2] {
    let keys = StringArray::from_iter_values(rows.clone().map(|unit| unit.key.to_hex()));
    let shards = Int32Array::from_iter_values(rows.map(|unit| i32::from(unit.shard)));
    [Arc::new(keys), Arc::new(shards)]
}

/// The columns `log_topic`, `log_partition`, `log_offset`.
pub(crate) fn log_fields() -> [Field; 3] {
    [
        Field::new("log_topic", DataType::Utf8, true),
        Field::new("log_partition", DataType::Int32, true),
        Field::new("log_offset", DataType::Int64, true),
    ]
}

pub(crate) fn log_columns<'a>(rows: impl Iterator<Item = Option<&'a LogPosition>> + Clone) -> [ArrayRef; 3] {
    let topics: StringArray = rows
        .clone()
        .map(|log| log.map(|log| log.topic.as_ref()))
        .collect();
    // Partitions and offsets are far below these bounds; a value beyond them is written as none.
    let partitions: Int32Array = rows
        .clone()
        .map(|log| log.and_then(|log| i32::try_from(log.partition).ok()))
        .collect();
    let offsets: Int64Array = rows
        .map(|log| log.and_then(|log| i64::try_from(log.offset).ok()))
        .collect();
    [Arc::new(topics), Arc::new(partitions), Arc::new(offsets)]
}

/// Columns of a batch by name, with a sentence for each that is not what it should be.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a>(pub &'a RecordBatch);

impl<'a> Columns<'a> {
    pub(crate) fn texts(self, name: &str) -> Result<&'a StringArray, Fault> {
        self.find(name, |column| column.as_string_opt::<i32>())
    }

    pub(crate) fn instants(self, name: &str) -> Result<&'a [i64], Fault> {
        let column = self.find(name, |column| {
            column.as_primitive_opt::<TimestampMicrosecondType>()
        })?;
        Ok(column.values())
    }

    pub(crate) fn ints(self, name: &str) -> Result<&'a Int32Array, Fault> {
        self.find(name, |column| column.as_primitive_opt::<Int32Type>())
    }

    pub(crate) fn longs(self, name: &str) -> Result<&'a Int64Array, Fault> {
        self.find(name, |column| column.as_primitive_opt::<Int64Type>())
    }

    pub(crate) fn find<T>(
        self,
        name: &str,
        cast: impl Fn(&'a ArrayRef) -> Option<&'a T>,
    ) -> Result<&'a T, Fault> {
        let column = self
            .0
            .column_by_name(name)
            .ok_or_else(|| format!("the column {name} is missing"))?;
        cast(column).ok_or_else(|| format!("the column {name} has the type {}", column.data_type()).into())
    }
}

/// The unit of a row from its two columns.
pub(crate) fn read_unit(key: &str, shard: i32) -> Result<Unit, Fault> {
    let key = UnitKey::from_hex(key).ok_or_else(|| format!("{key:?} is no unit key"))?;
    let shard = u16::try_from(shard).map_err(|_| format!("{shard} is no shard"))?;
    Ok(Unit { key, shard })
}

/// Positions in the log, by row.
pub(crate) struct LogColumns<'a> {
    topics: &'a StringArray,
    partitions: &'a Int32Array,
    offsets: &'a Int64Array,
}

impl<'a> LogColumns<'a> {
    pub(crate) fn of(columns: Columns<'a>) -> Result<Self, Fault> {
        Ok(LogColumns {
            topics: columns.texts("log_topic")?,
            partitions: columns.ints("log_partition")?,
            offsets: columns.longs("log_offset")?,
        })
    }

    pub(crate) fn get(&self, row: usize) -> Option<LogPosition> {
        if self.topics.is_null(row) || self.partitions.is_null(row) || self.offsets.is_null(row) {
            return None;
        }
        Some(LogPosition {
            topic: self.topics.value(row).into(),
            partition: u32::try_from(self.partitions.value(row)).ok()?,
            offset: u64::try_from(self.offsets.value(row)).ok()?,
        })
    }
}
