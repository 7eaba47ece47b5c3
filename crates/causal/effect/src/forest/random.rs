//! Random forests for tests: trees of random splits whose leaves hold the sums of random rows. Nothing is learned.

use ceteris_stats::uniform;
use ndarray::Array2;

use super::build::{Coder, Node, Trees, add_row, stride};
use super::{Covariates, Forest};
use crate::Column;

/// Rows whose terms a leaf averages: enough that the treatments vary in it.
const ROWS_OF_A_LEAF: usize = 12;

/// Numbers of a stream.
struct Stream {
    seed: u64,
    drawn: u64,
}

impl Stream {
    fn next(&mut self) -> f64 {
        self.drawn += 1;
        uniform(self.seed, &self.drawn.to_le_bytes(), 0)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() * n as f64) as usize
    }
}

/// `n` rows of two numbers, one of them often missing, and a category.
pub(super) fn covariates(n: usize) -> Covariates {
    let number = |i: usize, j: u64| uniform(7, &(i as u64).to_le_bytes(), j);
    let x = Array2::from_shape_fn((n, 3), |(i, j)| match j {
        1 if number(i, 9) < 0.3 => f64::NAN,
        2 => (4.0 * number(i, 2)).floor(),
        _ => number(i, j as u64),
    });
    let levels = ["a", "b", "c", "d"].map(String::from).to_vec();
    let columns = vec![
        Column::numeric("x"),
        Column::numeric("z"),
        Column::categorical("c", levels),
    ];
    Covariates::new(x, columns).unwrap()
}

/// Six bags of `bag` trees of `k` treatments with `leaves` leaves each, on rows such as [`covariates`] gives.
pub(super) fn forest(k: usize, bag: usize, leaves: usize) -> Forest {
    const CUTS: usize = 300;
    let columns = covariates(1).columns().to_vec();
    let cuts: Vec<f64> = (0..2 * CUTS).map(|c| (c % CUTS) as f64 / CUTS as f64).collect();
    let starts = vec![0, CUTS as u32, 2 * CUTS as u32];
    let ranges = vec![[0.0, 1.0], [0.0, 1.0], [0.0, 3.0]];
    let coder = Coder::from_parts(columns, cuts, starts, ranges).unwrap();
    let mut stream = Stream { seed: 5, drawn: 0 };
    let mut trees = Trees::new(bag, k);
    for _ in 0..6 * bag {
        add_tree(&mut trees, &coder, leaves, &mut stream);
    }
    Forest::new(coder, trees).unwrap()
}

/// Nodes breadth first: each waiting node becomes a split as long as leaves are wanting.
fn add_tree(trees: &mut Trees, coder: &Coder, leaves: usize, stream: &mut Stream) {
    let first = trees.nodes.len();
    trees.roots.push(first as u32);
    let (mut waiting, mut done) = (1, 0);
    while done < waiting {
        done += 1;
        let promised = waiting - done;
        let leaves_so_far = (first..trees.nodes.len())
            .filter(|&n| trees.nodes[n].is_leaf())
            .count();
        // The last node that waits must split as long as leaves are wanting; others do as they like.
        let wanting = leaves_so_far + promised + 1 < leaves;
        if wanting && (promised == 0 || stream.next() < 0.8) {
            let feature = stream.below(coder.width());
            let side = if stream.next() < 0.5 { coder.width() } else { 0 };
            let code = if feature < 2 { stream.below(300) as u16 } else { 1 };
            trees.nodes.push(Node {
                feature: (feature + side) as u16,
                code,
                next: (first + waiting) as u32,
            });
            waiting += 2;
        } else {
            add_leaf(trees, stream);
        }
    }
}

fn add_leaf(trees: &mut Trees, stream: &mut Stream) {
    let mut sums = vec![0.0; stride(trees.k)];
    for _ in 0..ROWS_OF_A_LEAF {
        let arm = stream.below(trees.k + 1);
        let share = 1.0 / (trees.k + 1) as f64;
        let d: Vec<f64> = (0..trees.k)
            .map(|a| f64::from(u8::from(a == arm)) - share)
            .collect();
        add_row(&mut sums, 0.5 + stream.next(), stream.next() - 0.5, &d);
    }
    let number = trees.leaves.len() / stride(trees.k);
    trees
        .leaves
        .extend(sums.iter().map(|s| s / ROWS_OF_A_LEAF as f64));
    trees.nodes.push(Node::leaf(number as u32));
}
