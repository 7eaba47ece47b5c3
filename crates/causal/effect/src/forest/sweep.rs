//! Many rows through one tree at once: every inner node asks all rows of a group, and those that stand there move.
//!
//! A walk follows one row through some ten nodes and waits at each for the memory of the next. A sweep goes through all
//! the inner nodes of a tree in their order instead, which no row decides, and asks a group of rows side by side: more
//! comparisons in all, without a wait or a guess. It finds the leaves that a walk finds. Plain arrays throughout, in the
//! shape that compiles to vectors of whatever width a caller is built for.

use super::trees::{NOWHERE, Trees};

/// Codes of a register of 256 bits.
const LANES: usize = 16;
/// Registers of a group: half of those there are, the others being for what a step compares.
const VECTORS: usize = 8;
/// Rows of a group.
pub(super) const GROUP: usize = LANES * VECTORS;
/// A feature's codes of the rows of a group, shifted to signed numbers: of these every processor compares many at once.
pub(super) type Group = [[i16; LANES]; VECTORS];

/// A code as a group holds it.
pub(super) const fn shifted(code: u16) -> i16 {
    (code ^ 0x8000) as i16
}
/// Most leaves of a tree that is swept: the many nodes of a larger one cost more than walks do.
const LEAVES_MAX: usize = 512;

/// One inner node. A row's place is the leftmost leaf below the node where it stands: at this node that is `from`, which
/// rows that go left keep, while the others go to `to`, leftmost below the right child.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Step {
    column: u16,
    code: i16,
    from: i16,
    to: i16,
}

/// The steps of one tree.
#[derive(Clone, Debug, PartialEq)]
struct Plan {
    /// One past the last step; the first is where those of the tree before end.
    end: usize,
    /// The tree's first leaf, from which places are counted.
    leaf: u32,
    /// Where every row sets out; none for a tree that is not swept.
    start: Option<i16>,
}

/// How the trees of a forest are swept: nothing that its nodes do not say, in the order and form a sweep reads.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sweeps {
    steps: Vec<Step>,
    plans: Vec<Plan>,
}

impl Sweeps {
    /// Reads the steps off checked trees.
    pub(super) fn of(trees: &Trees) -> Self {
        let (mut steps, mut plans) = (Vec::new(), Vec::with_capacity(trees.roots.len()));
        let mut leftmost = Vec::new();
        for range in trees.ranges() {
            let nodes = &trees.nodes[range.clone()];
            let leaf = nodes.iter().find(|n| n.is_leaf()).map_or(NOWHERE, |n| n.next);
            let swept = !nodes.is_empty() && nodes.len() < 2 * LEAVES_MAX;
            if swept {
                leftmost.clear();
                leftmost.resize(nodes.len(), 0);
                let child = |next: u32| next as usize - range.start;
                // Children come after their parents.
                for (at, node) in nodes.iter().enumerate().rev() {
                    leftmost[at] = if node.is_leaf() {
                        (node.next - leaf) as i16
                    } else {
                        leftmost[child(node.next)]
                    };
                }
                let inner = nodes.iter().zip(&leftmost).filter(|(node, _)| !node.is_leaf());
                steps.extend(inner.map(|(node, &from)| Step {
                    column: node.feature,
                    code: shifted(node.code),
                    from,
                    to: leftmost[child(node.next) + 1],
                }));
            }
            plans.push(Plan {
                end: steps.len(),
                leaf,
                start: swept.then(|| leftmost[0]),
            });
        }
        Sweeps { steps, plans }
    }

    /// Whether a tree can be swept.
    pub(super) fn has(&self, tree: usize) -> bool {
        self.plans[tree].start.is_some()
    }

    /// Writes the leaves of a tree for rows coded in groups, `width` columns each.
    #[inline(always)]
    pub(super) fn sweep(&self, tree: usize, codes: &[Group], width: usize, leaves: &mut [u32]) {
        let plan = &self.plans[tree];
        let first = tree.checked_sub(1).map_or(0, |before| self.plans[before].end);
        let steps = &self.steps[first..plan.end];
        let start = plan.start.unwrap_or_default();
        for (codes, leaves) in codes.chunks_exact(width).zip(leaves.chunks_mut(GROUP)) {
            let places = places(steps, start, codes);
            for (to, place) in leaves.iter_mut().zip(places.as_flattened()) {
                *to = plan.leaf + *place as u32;
            }
        }
    }
}

/// Where the rows of a group end.
#[inline(always)]
fn places(steps: &[Step], start: i16, codes: &[Group]) -> [[i16; LANES]; VECTORS] {
    let mut places = [[start; LANES]; VECTORS];
    for step in steps {
        let codes = &codes[usize::from(step.column)];
        for (places, codes) in places.iter_mut().zip(codes) {
            let mut next = [0; LANES];
            for i in 0..LANES {
                let goes = -i16::from(places[i] == step.from) & -i16::from(codes[i] > step.code);
                next[i] = (places[i] & !goes) | (step.to & goes);
            }
            *places = next;
        }
    }
    places
}
