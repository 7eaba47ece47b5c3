//! Grown trees as flat arrays: eight bytes a node, a row of local averages a leaf.

use std::ops::Range;

use super::ForestError;
use super::coder::BEYOND;
use super::moments::stride;

/// A root, or a leaf's number, where a tree has no estimation row at all.
pub const NOWHERE: u32 = u32::MAX;

/// Walks that go side by side.
pub(super) const LANES: usize = 8;

/// A node. `feature` below the number of features: rows coded at most `code` go to `next`, others to `next + 1`, the
/// missing ones to `next`. From the number of features on: the same, but the missing ones go to `next + 1`. A `code` of
/// `u16::MAX` makes it a leaf, and `next` the leaf's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// What is compared.
    pub feature: u16,
    /// Largest code that goes left.
    pub code: u16,
    /// The left child, the right one being beside it; of a leaf, its number.
    pub next: u32,
}

impl Node {
    /// The leaf of this number.
    pub const fn leaf(number: u32) -> Node {
        Node {
            feature: 0,
            code: BEYOND,
            next: number,
        }
    }

    /// Whether the node is a leaf: no code lies beyond its own.
    #[inline(always)]
    pub(super) const fn is_leaf(self) -> bool {
        self.code == BEYOND
    }
}

/// A forest's trees, one behind the other, each breadth first: children lie beside each other and behind their parent, and
/// leaves are numbered on.
#[derive(Clone, Debug, PartialEq)]
pub struct Trees {
    /// Trees of one little bag.
    pub bag: usize,
    /// Number of treatments, K.
    pub k: usize,
    /// First node of each tree; [`NOWHERE`] for a tree without estimation rows.
    pub roots: Vec<u32>,
    /// All nodes.
    pub nodes: Vec<Node>,
    /// Local averages of each leaf, [`super::build::stride`] numbers each.
    pub leaves: Vec<f64>,
}

impl Trees {
    /// No trees yet, of `k` treatments in bags of `bag`.
    pub fn new(bag: usize, k: usize) -> Self {
        Trees {
            bag,
            k,
            roots: Vec::new(),
            nodes: Vec::new(),
            leaves: Vec::new(),
        }
    }

    /// Puts the trees of another pool behind these.
    ///
    /// # Errors
    /// [`ForestError::TooLarge`] for more nodes or leaves than their numbers can count.
    pub fn append(&mut self, other: &Trees) -> Result<(), ForestError> {
        let (node_base, leaf_base) = (self.nodes.len(), self.leaves.len() / stride(self.k));
        if (node_base + other.nodes.len()).max(leaf_base + other.leaves.len()) >= NOWHERE as usize {
            return Err(ForestError::TooLarge {
                what: "the nodes",
                limit: NOWHERE as usize,
                fix: "grow fewer trees or raise min_node",
            });
        }
        let shift = |at: u32, base: usize| if at == NOWHERE { at } else { at + base as u32 };
        self.roots
            .extend(other.roots.iter().map(|&r| shift(r, node_base)));
        self.nodes.extend(other.nodes.iter().map(|n| Node {
            next: shift(n.next, if n.is_leaf() { leaf_base } else { node_base }),
            ..*n
        }));
        self.leaves.extend_from_slice(&other.leaves);
        Ok(())
    }

    /// The numbers of a leaf; none for [`NOWHERE`].
    #[inline(always)]
    pub(super) fn leaf(&self, number: u32) -> Option<&[f64]> {
        let stride = stride(self.k);
        let start = number as usize * stride;
        self.leaves.get(start..start + stride)
    }

    /// The nodes of each tree, which lie together and in the order of the trees.
    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        let mut end = self.nodes.len();
        let mut ranges: Vec<Range<usize>> = Vec::with_capacity(self.roots.len());
        for &root in self.roots.iter().rev() {
            let start = if root == NOWHERE { end } else { root as usize };
            ranges.push(start..end);
            end = start;
        }
        ranges.into_iter().rev()
    }

    /// Whether the trees lie one behind the other, each breadth first with its leaves numbered on, for rows of `width`
    /// features: then every step from every root ends at a leaf that is there, and no node or leaf is reached twice.
    pub(super) fn check(&self, width: usize) -> Result<(), ForestError> {
        let bad = |why| Err(ForestError::Parts(why));
        if !self.leaves.len().is_multiple_of(stride(self.k)) {
            return bad("the leaves are cut off");
        }
        if self.bag < 2 || self.roots.is_empty() || !self.roots.len().is_multiple_of(self.bag) {
            return bad("the trees do not fill their bags");
        }
        let mut roots = self.roots.iter().filter(|&&r| r != NOWHERE).peekable();
        let (mut at, mut leaf) = (0, 0);
        while let Some(&root) = roots.next() {
            let end = roots.peek().map_or(self.nodes.len(), |r| **r as usize);
            if root as usize != at || end <= at || end > self.nodes.len() {
                return bad("a root is not where the tree before it ends");
            }
            let mut next = at + 1;
            for node in &self.nodes[at..end] {
                let sound = if node.is_leaf() {
                    let here = leaf;
                    leaf += 1;
                    node.feature == 0 && node.next as usize == here
                } else {
                    let here = next;
                    next += 2;
                    usize::from(node.feature) < 2 * width && node.next as usize == here && here > at
                };
                if !sound {
                    return bad("a node points elsewhere than to what comes next");
                }
                at += 1;
            }
            if next != end {
                return bad("a tree has nodes that it does not reach");
            }
        }
        if at != self.nodes.len() || leaf * stride(self.k) != self.leaves.len() {
            return bad("there are nodes or leaves of no tree");
        }
        Ok(())
    }

    /// The leaves at which [`LANES`] walks end. Walk l begins at the root `at[l]`, and `code(l, feature)` is its row's
    /// code. They go side by side because one alone waits for each step's memory, and the processor guesses wrongly when
    /// it ends.
    #[inline(always)]
    pub(super) fn walk(&self, mut at: [u32; LANES], code: impl Fn(usize, usize) -> u16) -> [u32; LANES] {
        let mut next = [NOWHERE; LANES];
        let mut open = true;
        while open {
            open = false;
            for (lane, (at, next)) in at.iter_mut().zip(&mut next).enumerate() {
                let node = self.nodes[*at as usize];
                // A leaf compares like a node and is not left.
                let right = code(lane, usize::from(node.feature)) > node.code;
                let child = node.next + u32::from(right);
                *next = node.next;
                *at = if node.is_leaf() { *at } else { child };
                open |= !node.is_leaf();
            }
        }
        next
    }
}
