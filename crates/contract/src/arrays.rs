//! Named arrays of an artifact: shape and values, nothing executable.

use std::collections::BTreeMap;

/// A dense row-major array of f64.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// Row-major values; `shape.product()` of them.
    pub data: Vec<f64>,
}

/// The arrays of one artifact by name, in name order.
pub type Arrays = BTreeMap<String, Array>;

/// Values of one kind of number.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Numbers.
    F64(Vec<f64>),
    /// Positions.
    U32(Vec<u32>),
    /// Codes.
    U16(Vec<u16>),
}

impl Values {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Values::F64(v) => v.len(),
            Values::U32(v) => v.len(),
            Values::U16(v) => v.len(),
        }
    }

    /// True without values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Name of the kind, as digests and files have it.
    pub fn kind(&self) -> &'static str {
        match self {
            Values::F64(_) => "F64",
            Values::U32(_) => "U32",
            Values::U16(_) => "U16",
        }
    }

    /// The values in little-endian bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Values::F64(v) => bytes_of(v, f64::to_le_bytes),
            Values::U32(v) => bytes_of(v, u32::to_le_bytes),
            Values::U16(v) => bytes_of(v, u16::to_le_bytes),
        }
    }
}

/// Numbers of `N` bytes each, one after the other; written into their places, which compiles to a plain copy.
fn bytes_of<T: Copy, const N: usize>(values: &[T], of: fn(T) -> [u8; N]) -> Vec<u8> {
    let mut bytes = vec![0; N * values.len()];
    let (places, _) = bytes.as_chunks_mut::<N>();
    places.iter_mut().zip(values).for_each(|(to, v)| *to = of(*v));
    bytes
}

/// One-dimensional arrays of several kinds by name, in name order: what a forest is made of.
pub type Lists = BTreeMap<String, Values>;
