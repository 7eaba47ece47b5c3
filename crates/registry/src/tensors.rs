//! Arrays as safetensors: f64 only, with a digest of their own in the header, so that a corrupt artifact can name the
//! file at fault.

use std::borrow::Cow;
use std::collections::HashMap;
use std::error::Error;

use ceteris_contract::arrays::{Array, Arrays};
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
