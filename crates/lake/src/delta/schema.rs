//! A table's schema in Delta's JSON form, from its Arrow columns.

use arrow_schema::{DataType, Field, Schema, TimeUnit};
use serde_json::{Value as Json, json};

/// Columns that name a partition; they stand in paths and `partitionValues`, never in data files.
pub(crate) const PARTITION_COLUMNS: [&str; 2] = ["dt", "bucket"];

/// `schemaString`: the data columns, then the partition columns.
pub(crate) fn schema_string(columns: &Schema) -> String {
    let mut fields: Vec<Json> = columns.fields().iter().map(|field| entry(field)).collect();
    fields.push(json!({"name": "dt", "type": "date", "nullable": true, "metadata": {}}));
    fields.push(json!({"name": "bucket", "type": "integer", "nullable": true, "metadata": {}}));
    json!({"type": "struct", "fields": fields}).to_string()
}

fn entry(field: &Field) -> Json {
    json!({"name": field.name(), "type": type_name(field.data_type()), "nullable": field.is_nullable(), "metadata": {}})
}

fn type_name(kind: &DataType) -> &'static str {
    match kind {
        DataType::Int32 => "integer",
        DataType::Int64 => "long",
        DataType::Float64 => "double",
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => "timestamp",
        _ => "string",
    }
}
