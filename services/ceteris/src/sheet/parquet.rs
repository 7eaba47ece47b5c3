//! Rows as the row groups of a Parquet file: numbers as doubles, truth values as they are, all else as text.

use std::fs::File;
use std::io::BufWriter;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::Compression;
use ::parquet::file::properties::WriterProperties;
use anyhow::Context;
use arrow_array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use serde_json::Value;

use super::{Column, Kind, cell};

/// Rows held before they are written: enough for a page to compress, few enough for any memory.
const GROUP_ROWS: usize = 65_536;

/// A file in the making, and the rows that are not in it yet.
pub(super) struct Groups {
    writer: ArrowWriter<BufWriter<File>>,
    schema: SchemaRef,
    kinds: Vec<Kind>,
    /// Values column by column.
    held: Vec<Vec<Value>>,
}

impl Groups {
    pub(super) fn create(file: BufWriter<File>, columns: &[Column]) -> anyhow::Result<Groups> {
        let field = |column: &Column| {
            let kind = match column.kind {
                Kind::Number => DataType::Float64,
                Kind::Truth => DataType::Boolean,
                Kind::Text => DataType::Utf8,
            };
            Field::new(&column.name, kind, true)
        };
        let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .build();
        Ok(Groups {
            writer: ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties))?,
            schema,
            kinds: columns.iter().map(|column| column.kind).collect(),
            held: columns.iter().map(|_| Vec::new()).collect(),
        })
    }

    pub(super) fn row(&mut self, values: Vec<Value>) -> anyhow::Result<()> {
        self.held
            .iter_mut()
            .zip(values)
            .for_each(|(column, value)| column.push(value));
        if self.held.first().is_some_and(|column| column.len() == GROUP_ROWS) {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> anyhow::Result<()> {
        let arrays = self.kinds.iter().zip(&mut self.held);
        let arrays = arrays
            .map(|(kind, values)| array(*kind, &std::mem::take(values)))
            .collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays)?;
        self.writer.write(&batch)?;
        self.writer.flush().context("write")
    }

    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        self.write()?;
        self.writer.close().context("write")?;
        Ok(())
    }
}

/// The values of a column; truth values count as 1 and 0 among numbers.
fn array(kind: Kind, values: &[Value]) -> ArrayRef {
    let number = |value: &Value| value.as_f64().or(value.as_bool().map(f64::from));
    let text = |value: &Value| (!value.is_null()).then(|| cell(value));
    match kind {
        Kind::Number => Arc::new(values.iter().map(number).collect::<Float64Array>()),
        Kind::Truth => Arc::new(values.iter().map(Value::as_bool).collect::<BooleanArray>()),
        Kind::Text => Arc::new(values.iter().map(text).collect::<StringArray>()),
    }
}
