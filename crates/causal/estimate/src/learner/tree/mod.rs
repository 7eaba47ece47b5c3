//! Regression trees on binned columns, grown from gradients: what forests and boosting are made of.

mod bins;
mod grow;

pub(super) use bins::Binned;
use bins::Cut;
pub(super) use grow::{GrowParams, grow};

/// How a node sends rows on.
#[derive(Clone, Debug, PartialEq)]
enum Rule {
    /// Values up to the threshold go left.
    UpTo(f64),
    /// Levels in the set go left.
    Among([u64; 4]),
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Leaf(f64),
    Split {
        column: usize,
        rule: Rule,
        missing_left: bool,
        left: usize,
        right: usize,
    },
}

/// A grown tree. Node 0 is the root.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    /// The value of the leaf that `row` falls into.
    pub(super) fn predict(&self, row: &[f64]) -> f64 {
        let mut at = 0;
        loop {
            match &self.nodes[at] {
                Node::Leaf(value) => return *value,
                Node::Split {
                    column,
                    rule,
                    missing_left,
                    left,
                    right,
                } => {
                    let value = row[*column];
                    let go_left = match rule {
                        _ if value.is_nan() => *missing_left,
                        Rule::UpTo(threshold) => value <= *threshold,
                        Rule::Among(set) => match value as usize {
                            level if level < 256 => set[level / 64] >> (level % 64) & 1 == 1,
                            _ => *missing_left,
                        },
                    };
                    at = if go_left { *left } else { *right };
                }
            }
        }
    }

    /// Number of leaves.
    #[cfg(test)]
    pub(super) fn leaves(&self) -> usize {
        self.nodes.iter().filter(|n| matches!(n, Node::Leaf(_))).count()
    }
}
