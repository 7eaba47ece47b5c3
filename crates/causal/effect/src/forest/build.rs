//! What it takes to grow a forest: the code of rows, the arrays of trees, and the sums of a leaf.

pub use super::coder::{CODES_MAX, Coder};
pub use super::moments::{add_row, stride};
pub use super::trees::{NOWHERE, Node, Trees};
