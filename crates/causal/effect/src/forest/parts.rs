//! A forest as plain arrays and back: what an artifact holds. No code, no pointers; reading checks every index.

use super::coder::Coder;
use super::trees::{Node, Trees};
use super::{Forest, ForestError};
use crate::Column;

/// The arrays of a forest. Predictions of a forest read back are bit-identical.
#[derive(Clone, Debug, PartialEq)]
pub struct ForestParts {
    /// Names and kinds of the columns of a row.
    pub columns: Vec<Column>,
    /// Trees of one little bag.
    pub bag: usize,
    /// Number of treatments, K; 0 for a forest of means.
    pub treatments: usize,
    /// Cuts between codes, numeric column after numeric column.
    pub cuts: Vec<f64>,
    /// First cut of each numeric column, and one past the last.
    pub cut_starts: Vec<u32>,
    /// Least and largest value of each column in the training rows.
    pub ranges: Vec<[f64; 2]>,
    /// First node of each tree; `u32::MAX` for a tree without estimation rows.
    pub roots: Vec<u32>,
    /// Feature of each node; from the number of features on, the one whose missing values go right. Of a leaf, 0.
    pub node_feature: Vec<u16>,
    /// Largest code that goes left; `u16::MAX` marks a leaf.
    pub node_code: Vec<u16>,
    /// Left child, the right one being beside it; of a leaf, its number.
    pub node_next: Vec<u32>,
    /// Local averages, leaf by leaf.
    pub leaves: Vec<f64>,
}

impl Forest {
    /// The arrays.
    pub fn parts(&self) -> ForestParts {
        ForestParts {
            columns: self.coder.columns().to_vec(),
            bag: self.trees.bag,
            treatments: self.trees.k,
            cuts: self.coder.cuts().to_vec(),
            cut_starts: self.coder.cut_starts().to_vec(),
            ranges: self.coder.ranges().to_vec(),
            roots: self.trees.roots.clone(),
            node_feature: self.trees.nodes.iter().map(|n| n.feature).collect(),
            node_code: self.trees.nodes.iter().map(|n| n.code).collect(),
            node_next: self.trees.nodes.iter().map(|n| n.next).collect(),
            leaves: self.trees.leaves.clone(),
        }
    }

    /// The forest of these arrays.
    ///
    /// # Errors
    /// [`ForestError::Parts`] where they are none: no prediction of a forest can then go astray.
    pub fn from_parts(parts: ForestParts) -> Result<Self, ForestError> {
        let n = parts.node_feature.len();
        if parts.node_code.len() != n || parts.node_next.len() != n {
            return Err(ForestError::Parts("the arrays of nodes have different lengths"));
        }
        if parts.treatments > usize::from(u8::MAX) {
            return Err(ForestError::Parts(
                "there are more treatments than a forest takes",
            ));
        }
        let nodes = (0..n).map(|i| Node {
            feature: parts.node_feature[i],
            code: parts.node_code[i],
            next: parts.node_next[i],
        });
        let trees = Trees {
            bag: parts.bag,
            k: parts.treatments,
            roots: parts.roots,
            nodes: nodes.collect(),
            leaves: parts.leaves,
        };
        let coder = Coder::from_parts(parts.columns, parts.cuts, parts.cut_starts, parts.ranges)?;
        Forest::new(coder, trees)
    }
}
