//! Datasets as Parquet files. The digest of the rows lies in the file's metadata and is checked by every reader.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use ceteris_contract::dataset::{Assignment, Column, Dataset};
use ceteris_contract::identity::UnitKey;
use ceteris_contract::time::Timestamp;
use ceteris_objects::ObjectError;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::error::LakeError;
use crate::parquet_file::{self, Fault};
use crate::row::{Columns, instant, instants, texts};

const DIGEST: &str = "ceteris.digest";
const AS_OF: &str = "ceteris.as_of";
const PROBLEM: &str = "ceteris.problem";
/// The columns that every dataset has, before its own.
const FIXED: [&str; 5] = ["unit", "t", "source", "assignment", "weight"];

/// What a dataset file says of its rows besides their digest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatasetInfo {
    /// The problem it was made for.
    pub problem: String,
    /// The instant up to which it knows the world.
    pub as_of: Option<Timestamp>,
}

/// The file of a dataset: the fixed columns `unit, t, source, assignment, weight`, then its own in their order. Missing
/// numbers and categories are nulls. Pure work on the processor.
///
/// # Errors
/// [`LakeError::Encode`] where columns differ in length or share a name.
pub fn encode_dataset(dataset: &Dataset, info: &DatasetInfo) -> Result<Bytes, LakeError> {
    let batch = to_batch(dataset).map_err(|source| LakeError::encode("a dataset", source))?;
    let mut metadata = vec![(DIGEST, dataset.digest()), (PROBLEM, info.problem.clone())];
    metadata.extend(info.as_of.map(|as_of| (AS_OF, as_of.to_string())));
    parquet_file::encode(&[batch], &metadata).map_err(|source| LakeError::encode("a dataset", source))
}

/// The dataset of a file. Pure work on the processor.
///
/// # Errors
/// [`LakeError::MalformedFile`] where it is no dataset, [`LakeError::CorruptDataset`] where its rows are not those
/// that its digest names.
pub fn decode_dataset(bytes: Bytes) -> Result<(Dataset, DatasetInfo), LakeError> {
    decode_named(bytes, "in memory")
}

fn decode_named(bytes: Bytes, path: &str) -> Result<(Dataset, DatasetInfo), LakeError> {
    let malformed = |source: Fault| LakeError::file(path, source);
    let pairs = parquet_file::metadata_values(&bytes).map_err(|error| malformed(error.into()))?;
    let value = |key: &str| {
        pairs
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.clone())
    };
    let expected = value(DIGEST).ok_or_else(|| malformed("it carries no dataset digest".into()))?;
    let as_of = match value(AS_OF) {
        Some(text) => {
            Some(Timestamp::parse(&text).ok_or_else(|| malformed(format!("{text} is no instant").into()))?)
        }
        None => None,
    };
    let mut dataset = empty(&bytes).map_err(malformed)?;
    parquet_file::decode(bytes, None, |batch| extend(&mut dataset, batch)).map_err(malformed)?;
    let found = dataset.digest();
    if found != expected {
        return Err(LakeError::CorruptDataset {
            path: path.to_owned(),
            expected,
            found,
        });
    }
    Ok((
        dataset,
        DatasetInfo {
            problem: value(PROBLEM).unwrap_or_default(),
            as_of,
        },
    ))
}

/// Writes a dataset to an object store and tells its digest.
///
/// # Errors
/// As [`encode_dataset`], and whatever the store answers.
pub async fn write_dataset(
    store: &dyn ObjectStore,
    path: &Path,
    dataset: &Dataset,
    info: &DatasetInfo,
) -> Result<String, LakeError> {
    let bytes = encode_dataset(dataset, info)?;
    let put = store.put(path, bytes.into()).await;
    put.map_err(ObjectError::store("write", path.to_string()))?;
    Ok(dataset.digest())
}

/// Reads a dataset from an object store.
///
/// # Errors
/// As [`decode_dataset`], and whatever the store answers.
pub async fn read_dataset(store: &dyn ObjectStore, path: &Path) -> Result<(Dataset, DatasetInfo), LakeError> {
    let failed = ObjectError::store("read", path.to_string());
    let bytes = store
        .get(path)
        .await
        .map_err(&failed)?
        .bytes()
        .await
        .map_err(&failed)?;
    decode_named(bytes, path.as_ref())
}

/// Writes a dataset to a local file, whole or not at all, and tells its digest.
///
/// # Errors
/// As [`encode_dataset`]; [`LakeError::Folder`] where the file cannot be written.
pub fn write_dataset_file(
    path: &std::path::Path,
    dataset: &Dataset,
    info: &DatasetInfo,
) -> Result<String, LakeError> {
    let failed = |source| LakeError::Folder {
        path: path.display().to_string(),
        source,
    };
    let bytes = encode_dataset(dataset, info)?;
    let mut staged = path.as_os_str().to_owned();
    staged.push(".part");
    std::fs::write(&staged, &bytes).map_err(failed)?;
    std::fs::rename(&staged, path).map_err(failed)?;
    Ok(dataset.digest())
}

/// Reads a dataset from a local file.
///
/// # Errors
/// As [`decode_dataset`]; [`LakeError::Folder`] where the file cannot be read.
pub fn read_dataset_file(path: &std::path::Path) -> Result<(Dataset, DatasetInfo), LakeError> {
    let name = path.display().to_string();
    match std::fs::read(path) {
        Ok(bytes) => decode_named(bytes.into(), &name),
        Err(source) => Err(LakeError::Folder { path: name, source }),
    }
}

fn to_batch(dataset: &Dataset) -> Result<RecordBatch, Fault> {
    let mut fields = vec![
        Field::new("unit", DataType::Utf8, false),
        Field::new("t", instant(), false),
        Field::new("source", DataType::Utf8, false),
        Field::new("assignment", DataType::Utf8, false),
        Field::new("weight", DataType::Float64, false),
    ];
    let units = StringArray::from_iter_values(dataset.unit.iter().map(UnitKey::to_hex));
    let mut arrays: Vec<ArrayRef> = vec![
        Arc::new(units),
        instants(dataset.t.iter().copied()),
        texts(dataset.source.iter().map(String::as_str)),
        texts(dataset.assignment.iter().map(|assignment| assignment.as_str())),
        Arc::new(Float64Array::from(dataset.weight.clone())),
    ];
    for (name, column) in &dataset.columns {
        if fields.iter().any(|field| field.name() == name) {
            return Err(format!("two columns are named {name}").into());
        }
        let array: ArrayRef = match column {
            Column::Number(values) => Arc::new(
                values
                    .iter()
                    .map(|value| Some(*value).filter(|x| !x.is_nan()))
                    .collect::<Float64Array>(),
            ),
            Column::Text(values) => Arc::new(values.iter().map(Option::as_deref).collect::<StringArray>()),
        };
        fields.push(Field::new(name, array.data_type().clone(), true));
        arrays.push(array);
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}

/// A dataset without rows that has the file's columns.
fn empty(bytes: &Bytes) -> Result<Dataset, Fault> {
    let mut dataset = Dataset::default();
    for field in parquet_file::schema(bytes)?.fields() {
        let column = match field.data_type() {
            _ if FIXED.contains(&field.name().as_str()) => continue,
            DataType::Float64 => Column::Number(Vec::new()),
            DataType::Utf8 => Column::Text(Vec::new()),
            other => return Err(format!("the column {} has the type {other}", field.name()).into()),
        };
        dataset.columns.push((field.name().clone(), column));
    }
    Ok(dataset)
}

fn extend(dataset: &mut Dataset, batch: &RecordBatch) -> Result<(), Fault> {
    let columns = Columns(batch);
    for unit in columns.texts("unit")?.iter() {
        let unit = unit.unwrap_or_default();
        dataset
            .unit
            .push(UnitKey::from_hex(unit).ok_or_else(|| format!("{unit:?} is no unit key"))?);
    }
    dataset
        .t
        .extend(columns.instants("t")?.iter().map(|t| Timestamp(*t)));
    dataset.source.extend(
        columns
            .texts("source")?
            .iter()
            .map(|text| text.unwrap_or_default().to_owned()),
    );
    for assignment in columns.texts("assignment")?.iter() {
        dataset.assignment.push(match assignment {
            Some("observed") => Assignment::Observed,
            Some("logged") => Assignment::Logged,
            other => return Err(format!("{other:?} is no assignment").into()),
        });
    }
    let numbers = |name: &str| columns.find(name, |column| column.as_primitive_opt::<Float64Type>());
    dataset.weight.extend(numbers("weight")?.values());
    for (name, column) in &mut dataset.columns {
        match column {
            Column::Number(values) => values.extend(numbers(name)?.iter().map(|x| x.unwrap_or(f64::NAN))),
            Column::Text(values) => {
                values.extend(columns.texts(name)?.iter().map(|text| text.map(str::to_owned)))
            }
        }
    }
    Ok(())
}
