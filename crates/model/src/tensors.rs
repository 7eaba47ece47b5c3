//! Arrays as safetensors. Those of a published model are f64 only, with a digest of their own in the header, so that a
//! corrupt artifact can name the file at fault; those of a model in a folder are lists of several kinds.

use std::borrow::Cow;
use std::collections::HashMap;
use std::error::Error;

use ceteris_contract::arrays::{Array, Arrays, Lists, Values};
use ceteris_contract::identity::hex;
use safetensors::tensor::{SafeTensors, TensorView};
use safetensors::{Dtype, View};
use sha2::{Digest, Sha256};

/// The header's entry for the digest.
const DIGEST: &str = "sha256";

/// One array as safetensors sees it.
struct Tensor<'a>(&'a Array);

impl View for Tensor<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F64
    }

    fn shape(&self) -> &[usize] {
        &self.0.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.0
            .data
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect::<Vec<u8>>()
            .into()
    }

    fn data_len(&self) -> usize {
        self.0.data.len() * 8
    }
}

/// The file of these arrays; the same arrays make the same file.
pub(crate) fn encode(arrays: &Arrays) -> Result<Vec<u8>, safetensors::SafeTensorError> {
    let header = HashMap::from([(DIGEST.to_owned(), digest(arrays))]);
    safetensors::serialize(
        arrays.iter().map(|(name, array)| (name, Tensor(array))),
        Some(header),
    )
}

/// What a file holds, and the digest it claims.
pub(crate) struct Decoded {
    pub arrays: Arrays,
    pub claimed: Option<String>,
}

/// The arrays of a file.
pub(crate) fn decode(bytes: &[u8]) -> Result<Decoded, Box<dyn Error + Send + Sync>> {
    let (_, header) = SafeTensors::read_metadata(bytes)?;
    let claimed = header
        .metadata()
        .as_ref()
        .and_then(|pairs| pairs.get(DIGEST).cloned());
    let mut arrays = Arrays::new();
    for (name, tensor) in SafeTensors::deserialize(bytes)?.tensors() {
        let array = read(&tensor).ok_or_else(|| format!("the array {name} is not f64"))?;
        arrays.insert(name, array);
    }
    Ok(Decoded { arrays, claimed })
}

fn read(tensor: &TensorView<'_>) -> Option<Array> {
    if tensor.dtype() != Dtype::F64 {
        return None;
    }
    let values = tensor.data().chunks_exact(8);
    let data = values
        .map(|bytes| bytes.try_into().map(f64::from_le_bytes))
        .collect::<Result<_, _>>()
        .ok()?;
    Some(Array {
        shape: tensor.shape().to_vec(),
        data,
    })
}

/// SHA-256 in hex over names, shapes and bits in name order.
pub(crate) fn digest(arrays: &Arrays) -> String {
    let mut hash = Sha256::new();
    for (name, array) in arrays {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name.as_bytes());
        hash.update((array.shape.len() as u64).to_le_bytes());
        array
            .shape
            .iter()
            .for_each(|axis| hash.update((*axis as u64).to_le_bytes()));
        array
            .data
            .iter()
            .for_each(|value| hash.update(value.to_bits().to_le_bytes()));
    }
    hex(&hash.finalize())
}

/// One list as safetensors sees it.
struct List<'a>(&'a Values, [usize; 1]);

impl View for List<'_> {
    fn dtype(&self) -> Dtype {
        match self.0 {
            Values::F64(_) => Dtype::F64,
            Values::U32(_) => Dtype::U32,
            Values::U16(_) => Dtype::U16,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.1
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.0.to_bytes().into()
    }

    fn data_len(&self) -> usize {
        let each = match self.0 {
            Values::F64(_) => 8,
            Values::U32(_) => 4,
            Values::U16(_) => 2,
        };
        each * self.0.len()
    }
}

/// The file of these lists; the same lists make the same file.
pub(crate) fn encode_lists(lists: &Lists) -> Result<Vec<u8>, safetensors::SafeTensorError> {
    let views = lists
        .iter()
        .map(|(name, values)| (name, List(values, [values.len()])));
    safetensors::serialize(views, None)
}

/// The lists of a file.
pub(crate) fn decode_lists(bytes: &[u8]) -> Result<Lists, Box<dyn Error + Send + Sync>> {
    let mut lists = Lists::new();
    for (name, tensor) in SafeTensors::deserialize(bytes)?.tensors() {
        let data = tensor.data();
        let values = match tensor.dtype() {
            Dtype::F64 => Values::F64(numbers(data, f64::from_le_bytes)),
            Dtype::U32 => Values::U32(numbers(data, u32::from_le_bytes)),
            Dtype::U16 => Values::U16(numbers(data, u16::from_le_bytes)),
            other => return Err(format!("the array {name} has kind {other:?}").into()),
        };
        lists.insert(name, values);
    }
    Ok(lists)
}

/// The numbers of little-endian bytes, `N` of them each.
fn numbers<T, const N: usize>(bytes: &[u8], of: fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|chunk| of(*chunk)).collect()
}
