//! Parquet files in memory: snappy pages out, projected batches in.

use std::error::Error;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

/// Why a file cannot be read.
pub(crate) type Fault = Box<dyn Error + Send + Sync>;

/// Rows decoded at once: large enough to amortise a batch, small enough for the cache.
const BATCH_ROWS: usize = 16_384;
/// Columns whose values hardly repeat: a dictionary would be built only to be thrown away.
const DISTINCT_COLUMNS: [&str; 5] = ["event_id", "decision_id", "payload", "source", "log_offset"];

/// A file of these batches, which share one schema. There is at least one batch.
pub(crate) fn encode(batches: &[RecordBatch], metadata: &[(&str, String)]) -> Result<Bytes, ParquetError> {
    let Some(first) = batches.first() else {
        return Err(ParquetError::General("a file has at least one batch".to_owned()));
    };
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by(concat!("ceteris ", env!("CARGO_PKG_VERSION")).to_owned());
    for column in DISTINCT_COLUMNS {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(column), false);
    }
    // Readers of other make take the types from Parquet's own schema; the Arrow one would only cost bytes.
    let options = ArrowWriterOptions::new()
        .with_properties(properties.build())
        .with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(Vec::new(), first.schema(), options)?;
    for batch in batches {
        writer.write(batch)?;
    }
    for (key, value) in metadata {
        writer.append_key_value_metadata(KeyValue::new((*key).to_owned(), value.clone()));
    }
    Ok(Bytes::from(writer.into_inner()?))
}

fn open(bytes: &Bytes) -> Result<ArrowReaderMetadata, ParquetError> {
    // Types follow Parquet's schema, whatever Arrow flavour (large or view strings) a writer noted beside it.
    ArrowReaderMetadata::load(bytes, ArrowReaderOptions::new().with_skip_arrow_metadata(true))
}

/// Gives the batches of a file to `visit`, with the columns asked for (or all), in file order.
pub(crate) fn decode(
    bytes: Bytes,
    columns: Option<&[&str]>,
    mut visit: impl FnMut(&RecordBatch) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let metadata = open(&bytes)?;
    let mut builder =
        ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, metadata).with_batch_size(BATCH_ROWS);
    if let Some(columns) = columns {
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        builder = builder.with_projection(mask);
    }
    for batch in builder.build()? {
        visit(&batch?)?;
    }
    Ok(())
}

/// The value of a key in the file's metadata.
pub(crate) fn metadata_values(bytes: &Bytes) -> Result<Vec<(String, String)>, ParquetError> {
    let metadata = open(bytes)?;
    let pairs = metadata
        .metadata()
        .file_metadata()
        .key_value_metadata()
        .cloned()
        .unwrap_or_default();
    Ok(pairs
        .into_iter()
        .filter_map(|pair| Some((pair.key, pair.value?)))
        .collect())
}

/// The columns of a file as Arrow types.
pub(crate) fn schema(bytes: &Bytes) -> Result<SchemaRef, ParquetError> {
    Ok(open(bytes)?.schema().clone())
}
