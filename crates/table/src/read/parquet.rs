//! Tables of Parquet files.

use std::fs::File;

use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

use super::check_names;
use crate::{Table, TableError};

/// Cells of one column of a batch.
type Cells = Vec<Option<String>>;

impl Table {
    /// Reads a Parquet file: columns of numbers, truth values and text, dictionaries of those too.
    ///
    /// # Errors
    /// A file that is no Parquet or is compressed in another way than Snappy; columns of other types.
    pub fn from_parquet(file: File) -> Result<Table, TableError> {
        let unreadable = |source: Box<dyn std::error::Error + Send + Sync>| TableError::Parquet { source };
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| unreadable(e.into()))?;
        let names: Vec<String> = builder
            .schema()
            .fields()
            .iter()
            .map(|f| f.name().clone())
            .collect();
        check_names(&names)?;
        let mut columns: Vec<Cells> = vec![Vec::new(); names.len()];
        for batch in builder.build().map_err(|e| unreadable(e.into()))? {
            let batch = batch.map_err(|e| unreadable(e.into()))?;
            for ((column, array), name) in columns.iter_mut().zip(batch.columns()).zip(&names) {
                let cells = cells(array).ok_or_else(|| TableError::Kind {
                    column: name.clone(),
                    kind: array.data_type().to_string(),
                })?;
                column.extend(cells);
            }
        }
        let rows = columns.first().map_or(0, Vec::len) as u64;
        Ok(Table {
            names,
            columns,
            lines: (1..=rows).collect(),
        })
    }
}

/// The cells of an array; none where it holds neither numbers, truth values nor text.
fn cells(array: &ArrayRef) -> Option<Cells> {
    let text = |values: &mut dyn Iterator<Item = Option<&str>>| -> Cells {
        values
            .map(|v| v.filter(|t| !t.is_empty()).map(str::to_owned))
            .collect()
    };
    Some(match array.data_type() {
        DataType::Boolean => {
            let flags = array.as_boolean();
            flags.iter().map(|v| v.map(|flag| flag.to_string())).collect()
        }
        DataType::Int8 => numbers::<Int8Type>(array),
        DataType::Int16 => numbers::<Int16Type>(array),
        DataType::Int32 => numbers::<Int32Type>(array),
        DataType::Int64 => numbers::<Int64Type>(array),
        DataType::UInt8 => numbers::<UInt8Type>(array),
        DataType::UInt16 => numbers::<UInt16Type>(array),
        DataType::UInt32 => numbers::<UInt32Type>(array),
        DataType::UInt64 => numbers::<UInt64Type>(array),
        DataType::Float32 => numbers::<Float32Type>(array),
        DataType::Float64 => numbers::<Float64Type>(array),
        DataType::Utf8 => text(&mut array.as_string::<i32>().iter()),
        DataType::LargeUtf8 => text(&mut array.as_string::<i64>().iter()),
        DataType::Utf8View => text(&mut array.as_string_view().iter()),
        DataType::Null => vec![None; array.len()],
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            let values = cells(dictionary.values())?;
            let keys = dictionary.normalized_keys();
            (0..array.len())
                .map(|i| {
                    if array.is_null(i) {
                        None
                    } else {
                        values.get(keys[i]).cloned().flatten()
                    }
                })
                .collect()
        }
        _ => return None,
    })
}

/// Numbers in the shortest digits that read back as the same number.
fn numbers<T: ArrowPrimitiveType<Native: ToString>>(array: &ArrayRef) -> Cells {
    array
        .as_primitive::<T>()
        .iter()
        .map(|v| v.map(|n| n.to_string()))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ::parquet::arrow::ArrowWriter;
    use arrow_array::{BooleanArray, Date32Array, DictionaryArray, Float64Array, Int32Array, RecordBatch};

    use super::*;

    fn written(columns: Vec<(&str, ArrayRef)>) -> tempfile::NamedTempFile {
        let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true)));
        let batch = batch.unwrap();
        let file = tempfile::Builder::new().suffix(".parquet").tempfile().unwrap();
        let mut writer = ArrowWriter::try_new(file.reopen().unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        file
    }

    #[test]
    fn numbers_text_and_gaps_come_back() {
        let levels: DictionaryArray<Int8Type> = vec![Some("b"), None, Some("a")].into_iter().collect();
        let file = written(vec![
            (
                "y",
                Arc::new(Float64Array::from(vec![Some(0.1), None, Some(-3.0)])),
            ),
            ("d", Arc::new(Int32Array::from(vec![0, 1, 1]))),
            ("k", Arc::new(levels)),
            ("f", Arc::new(BooleanArray::from(vec![true, false, true]))),
        ]);
        let table = Table::read(file.path()).unwrap();
        assert_eq!(table.names(), ["y", "d", "k", "f"]);
        let y = table.numbers("y").unwrap();
        assert!(y[0] == 0.1 && y[1].is_nan() && y[2] == -3.0);
        assert_eq!(table.numbers("d").unwrap(), [0.0, 1.0, 1.0]);
        assert_eq!(table.numbers("f").unwrap(), [1.0, 0.0, 1.0]);
        assert_eq!(
            table.text("k").unwrap(),
            [Some("b".to_owned()), None, Some("a".to_owned())]
        );
    }

    #[test]
    fn what_is_no_table_is_told() {
        let dates = written(vec![("day", Arc::new(Date32Array::from(vec![1, 2])))]);
        let told = Table::read(dates.path()).unwrap_err().to_string();
        assert!(told.contains("column day is of type Date32"), "{told}");
        let file = tempfile::Builder::new().suffix(".parquet").tempfile().unwrap();
        std::fs::write(file.path(), "no parquet at all").unwrap();
        assert!(matches!(
            Table::read(file.path()),
            Err(TableError::Parquet { .. })
        ));
    }
}
