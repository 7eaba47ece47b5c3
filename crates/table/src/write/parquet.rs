//! Rows as the row groups of a Parquet file: numbers as doubles, Booleans as they are, all else as text.

use std::fs::File;
use std::io::BufWriter;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::Compression;
use ::parquet::file::properties::WriterProperties;
use arrow_array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use serde_json::Value;

use super::{Column, ColumnKind, cell};
use crate::TableWriteError;

/// Rows held before they are written: enough for a page to compress, few enough for any memory.
const GROUP_ROWS: usize = 65_536;

/// A file in the making, and the rows that are not in it yet.
pub(super) struct RowGroups {
    writer: ArrowWriter<BufWriter<File>>,
    schema: SchemaRef,
    kinds: Vec<ColumnKind>,
    /// Values column by column.
    held: Vec<Vec<Value>>,
}

impl RowGroups {
    pub(super) fn create(file: BufWriter<File>, columns: &[Column]) -> Result<RowGroups, TableWriteError> {
        let field = |column: &Column| {
            let kind = match column.kind {
                ColumnKind::Number => DataType::Float64,
                ColumnKind::Boolean => DataType::Boolean,
                ColumnKind::Text => DataType::Utf8,
            };
            Field::new(&column.name, kind, true)
        };
        let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .build();
        Ok(RowGroups {
            writer: ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties))
                .map_err(TableWriteError::write)?,
            schema,
            kinds: columns.iter().map(|column| column.kind).collect(),
            held: columns.iter().map(|_| Vec::new()).collect(),
        })
    }

    pub(super) fn row(&mut self, values: Vec<Value>) -> Result<(), TableWriteError> {
        self.held
            .iter_mut()
            .zip(values)
            .for_each(|(column, value)| column.push(value));
        if self.held.first().is_some_and(|column| column.len() == GROUP_ROWS) {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), TableWriteError> {
        let arrays = self.kinds.iter().zip(&mut self.held);
        let arrays = arrays
            .map(|(kind, values)| array(*kind, &std::mem::take(values)))
            .collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays).map_err(TableWriteError::write)?;
        self.writer.write(&batch).map_err(TableWriteError::write)?;
        self.writer.flush().map_err(TableWriteError::write)
    }

    pub(super) fn finish(mut self) -> Result<(), TableWriteError> {
        self.write()?;
        self.writer.close().map_err(TableWriteError::write)?;
        Ok(())
    }
}

/// The values of a column; Booleans count as 1 and 0 among numbers.
fn array(kind: ColumnKind, values: &[Value]) -> ArrayRef {
    let number = |value: &Value| value.as_f64().or(value.as_bool().map(f64::from));
    let text = |value: &Value| (!value.is_null()).then(|| cell(value));
    match kind {
        ColumnKind::Number => Arc::new(values.iter().map(number).collect::<Float64Array>()),
        ColumnKind::Boolean => Arc::new(values.iter().map(Value::as_bool).collect::<BooleanArray>()),
        ColumnKind::Text => Arc::new(values.iter().map(text).collect::<StringArray>()),
    }
}
