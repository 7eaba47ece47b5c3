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
