//! A set of nodes of one graph as a bit set: iterated in node order, so no result depends on hashing. Knows no edges.

use super::NodeId;

/// Nodes of one graph, iterated in ascending order. The last word is never zero, so equal sets compare equal.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeSet {
    words: Vec<u64>,
}

impl NodeSet {
    /// The empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All nodes below `n`.
    #[must_use]
    pub fn first(n: usize) -> Self {
        (0..n).map(NodeId::new).collect()
    }

    /// The set of one node.
    #[must_use]
    pub fn one(node: NodeId) -> Self {
        std::iter::once(node).collect()
    }

    /// Adds a node; tells whether it was new.
    pub fn insert(&mut self, node: NodeId) -> bool {
        let (word, bit) = (node.index() / 64, 1u64 << (node.index() % 64));
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        new
    }

    /// Takes a node out; tells whether it was there.
    pub fn remove(&mut self, node: NodeId) -> bool {
        let (word, bit) = (node.index() / 64, 1u64 << (node.index() % 64));
        let there = self.words.get(word).is_some_and(|w| w & bit != 0);
        if there {
            self.words[word] &= !bit;
            self.trim();
        }
        there
    }

    /// Whether the node is in the set.
    #[must_use]
    pub fn contains(&self, node: NodeId) -> bool {
        self.words
            .get(node.index() / 64)
            .is_some_and(|w| w & (1u64 << (node.index() % 64)) != 0)
    }

    /// How many nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.iter().map(|w| w.count_ones() as usize).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The nodes in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.words.iter().enumerate().flat_map(|(i, &word)| {
            std::iter::successors((word != 0).then_some(word), |w| {
                let rest = w & (w - 1);
                (rest != 0).then_some(rest)
            })
            .map(move |w| NodeId::new(i * 64 + w.trailing_zeros() as usize))
        })
    }

    /// The smallest node.
    #[must_use]
    pub fn smallest(&self) -> Option<NodeId> {
        self.iter().next()
    }

    /// Nodes in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let (long, short) = if self.words.len() < other.words.len() {
            (other, self)
        } else {
            (self, other)
        };
        let mut words = long.words.clone();
        words.iter_mut().zip(&short.words).for_each(|(w, o)| *w |= o);
        Self { words }
    }

    /// Nodes in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let words = self.words.iter().zip(&other.words).map(|(a, b)| a & b).collect();
        Self { words }.trimmed()
    }

    /// Nodes here and not there.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut words = self.words.clone();
        words.iter_mut().zip(&other.words).for_each(|(w, o)| *w &= !o);
        Self { words }.trimmed()
    }

    /// Whether every node here is there.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.difference(other).is_empty()
    }

    /// Whether no node is in both.
    #[must_use]
    pub fn is_disjoint(&self, other: &Self) -> bool {
        self.words.iter().zip(&other.words).all(|(a, b)| a & b == 0)
    }

    fn trim(&mut self) {
        while self.words.last() == Some(&0) {
            self.words.pop();
        }
    }

    fn trimmed(mut self) -> Self {
        self.trim();
        self
    }
}

impl FromIterator<NodeId> for NodeSet {
    fn from_iter<I: IntoIterator<Item = NodeId>>(nodes: I) -> Self {
        let mut set = Self::new();
        for node in nodes {
            set.insert(node);
        }
        set
    }
}
