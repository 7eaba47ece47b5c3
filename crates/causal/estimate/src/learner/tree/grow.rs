//! Growing: the leaf whose best split gains most is split next.
//!
//! Gains are those of a quadratic objective: with gradient sum G and curvature sum H a leaf is worth
//! `G^2 / (H + lambda)` and holds `-G / (H + lambda)`. Missing values go to the side where they gain more; levels are
//! put in the order of their mean gradient, in which the best two-way grouping is a cut (Fisher 1958).

use ceteris_stats::hash;

use super::{Binned, Cut, Node, Rule, Tree};

/// Salt of the draws of columns.
const COLUMN_SALT: u64 = 0x636f_6c75;
/// By how much of itself a gain must exceed another to be greater: two splits into the same rows gain the same, and
/// rounding, which follows the order of rows, must not choose between them.
const TIE: f64 = 1e-9;
/// The same relative to the worth of the two sides, whose difference a gain is: what is left of cancelling them.
const ROUNDING: f64 = 1e-12;

/// How far a tree grows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GrowParams {
    pub(crate) leaves_max: usize,
    pub(crate) rows_min: usize,
    pub(crate) lambda: f64,
    /// Columns looked at in each node, drawn by (seed, node).
    pub(crate) columns: usize,
    pub(crate) seed: u64,
}

/// Sums of one bin.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    g: f64,
    h: f64,
    rows: usize,
}

impl Sums {
    fn add(&mut self, other: Sums) {
        self.g += other.g;
        self.h += other.h;
        self.rows += other.rows;
    }

    fn less(self, other: Sums) -> Sums {
        Sums {
            g: self.g - other.g,
            h: self.h - other.h,
            rows: self.rows - other.rows,
        }
    }

    fn worth(self, lambda: f64) -> f64 {
        let curvature = self.h + lambda;
        if curvature > 0.0 {
            self.g * self.g / curvature
        } else {
            0.0
        }
    }
}

/// The best split found for a leaf.
struct Found {
    gain: f64,
    column: usize,
    /// The last bin on the left, for numeric columns.
    last: usize,
    /// The levels on the left, for categorical ones.
    levels: [u64; 4],
    missing_left: bool,
}

/// A leaf that may be split.
struct Leaf {
    node: usize,
    rows: Vec<u32>,
    /// Histograms of all columns, where every column is looked at in every node.
    histograms: Option<Vec<Vec<Sums>>>,
    found: Option<Found>,
    sums: Sums,
}

/// Grows a tree on `rows` of the binned table from gradients `g` and curvatures `h`, one a row of the table.
pub(crate) fn grow(x: &Binned, rows: Vec<u32>, g: &[f64], h: &[f64], params: &GrowParams) -> Tree {
    let grower = Grower { x, g, h, params };
    let mut nodes = vec![Node::Leaf(0.0)];
    let mut open = vec![grower.leaf(0, rows, None)];
    let mut done = Vec::new();
    let mut leaves = 1;
    while leaves < params.leaves_max {
        // Where everything is split in the end the order does not matter, and looking for the best costs.
        let at = if params.leaves_max == usize::MAX {
            open.len().checked_sub(1)
        } else {
            best_of(&open)
        };
        let Some(at) = at else { break };
        let leaf = open.swap_remove(at);
        let Some(found) = &leaf.found else {
            done.push(leaf);
            continue;
        };
        let (left, right) = (nodes.len(), nodes.len() + 1);
        nodes.extend([Node::Leaf(0.0), Node::Leaf(0.0)]);
        nodes[leaf.node] = Node::Split {
            column: found.column,
            rule: grower.rule(found),
            missing_left: found.missing_left,
            left,
            right,
        };
        open.extend(grower.split(leaf, left, right));
        leaves += 1;
    }
    for leaf in open.into_iter().chain(done) {
        let curvature = leaf.sums.h + params.lambda;
        let value = if curvature > 0.0 {
            -leaf.sums.g / curvature
        } else {
            0.0
        };
        nodes[leaf.node] = Node::Leaf(value);
    }
    Tree { nodes }
}

/// The leaf that gains most; the first of equals; none where none gains.
fn best_of(open: &[Leaf]) -> Option<usize> {
    let gain = |leaf: &Leaf| leaf.found.as_ref().map_or(0.0, |f| f.gain);
    let mut best: Option<usize> = None;
    for (at, leaf) in open.iter().enumerate() {
        if gain(leaf) > best.map_or(0.0, |b| gain(&open[b]) * (1.0 + TIE)) {
            best = Some(at);
        }
    }
    best
}

struct Grower<'a> {
    x: &'a Binned,
    g: &'a [f64],
    h: &'a [f64],
    params: &'a GrowParams,
}

impl Grower<'_> {
    fn all_columns(&self) -> bool {
        self.params.columns >= self.x.cuts.len()
    }

    /// A leaf with its best split; `histograms` where they are known already.
    fn leaf(&self, node: usize, rows: Vec<u32>, histograms: Option<Vec<Vec<Sums>>>) -> Leaf {
        let mut sums = Sums::default();
        for &i in &rows {
            sums.add(self.of_row(i));
        }
        let mut leaf = Leaf {
            node,
            rows,
            histograms,
            found: None,
            sums,
        };
        if leaf.rows.len() >= 2 * self.params.rows_min {
            self.search(&mut leaf);
        }
        leaf
    }

    fn of_row(&self, i: u32) -> Sums {
        Sums {
            g: self.g[i as usize],
            h: self.h[i as usize],
            rows: 1,
        }
    }

    fn histogram(&self, column: usize, rows: &[u32]) -> Vec<Sums> {
        let mut bins = Vec::new();
        self.fill(column, rows, &mut bins);
        bins
    }

    fn fill(&self, column: usize, rows: &[u32], bins: &mut Vec<Sums>) {
        bins.clear();
        bins.resize(self.x.cuts[column].bins() + 1, Sums::default());
        let of = &self.x.columns[column];
        for &i in rows {
            bins[of[i as usize] as usize].add(self.of_row(i));
        }
    }

    fn search(&self, leaf: &mut Leaf) {
        if self.all_columns() {
            let histograms = leaf.histograms.take().unwrap_or_else(|| {
                (0..self.x.cuts.len())
                    .map(|j| self.histogram(j, &leaf.rows))
                    .collect()
            });
            for (j, bins) in histograms.iter().enumerate() {
                self.better(leaf, j, bins);
            }
            leaf.histograms = Some(histograms);
        } else {
            let mut bins = Vec::new();
            for j in self.draw_columns(leaf.node) {
                self.fill(j, &leaf.rows, &mut bins);
                self.better(leaf, j, &bins);
            }
        }
    }

    /// Some columns by hash(seed, node, column): the same whatever else is grown beside.
    fn draw_columns(&self, node: usize) -> Vec<usize> {
        let key = hash(self.params.seed, &(node as u64).to_le_bytes(), COLUMN_SALT);
        let mut drawn: Vec<(u64, usize)> = (0..self.x.cuts.len())
            .map(|j| (hash(key, &(j as u64).to_le_bytes(), 0), j))
            .collect();
        drawn.sort_unstable();
        let mut columns: Vec<usize> = drawn.iter().take(self.params.columns).map(|d| d.1).collect();
        columns.sort_unstable();
        columns
    }

    /// Keeps the best split of one column where it gains more than the best so far.
    fn better(&self, leaf: &mut Leaf, column: usize, bins: &[Sums]) {
        let (known, missing) = (&bins[..bins.len() - 1], bins[bins.len() - 1]);
        let order: Vec<usize> = match self.x.cuts[column] {
            Cut::Numeric { .. } => (0..known.len()).collect(),
            Cut::Levels { .. } => by_mean_gradient(known, self.params.lambda),
        };
        let lambda = self.params.lambda;
        let whole = leaf.sums.worth(lambda);
        // A gain that is rounding of the whole is none.
        let mut least = leaf
            .found
            .as_ref()
            .map_or(1e-12 * whole, |f| f.gain * (1.0 + TIE));
        let sides: &[bool] = if missing.rows > 0 { &[true, false] } else { &[true] };
        for &missing_left in sides {
            let mut left = if missing_left { missing } else { Sums::default() };
            for (cut, &bin) in order.iter().enumerate() {
                if known[bin].rows == 0 {
                    continue;
                }
                left.add(known[bin]);
                let right = leaf.sums.less(left);
                if left.rows < self.params.rows_min || right.rows < self.params.rows_min {
                    continue;
                }
                let sides = left.worth(lambda) + right.worth(lambda);
                let gain = sides - whole;
                if gain > least + ROUNDING * sides {
                    least = gain * (1.0 + TIE);
                    // Where training saw none missing, they follow the larger side; the left one of equals.
                    let missing_left = if missing.rows == 0 {
                        left.h >= right.h * (1.0 - TIE)
                    } else {
                        missing_left
                    };
                    leaf.found = Some(Found {
                        gain,
                        column,
                        last: bin,
                        levels: match self.x.cuts[column] {
                            Cut::Numeric { .. } => [0; 4],
                            Cut::Levels { .. } => level_set(known, &order[..=cut], missing_left),
                        },
                        missing_left,
                    });
                }
            }
        }
    }

    fn rule(&self, found: &Found) -> Rule {
        match &self.x.cuts[found.column] {
            Cut::Numeric { edges } => Rule::UpTo(edges.get(found.last).copied().unwrap_or(f64::INFINITY)),
            Cut::Levels { .. } => Rule::Among(found.levels),
        }
    }

    /// The two leaves of a split; the larger one's histograms are the parent's less the smaller one's.
    fn split(&self, leaf: Leaf, left: usize, right: usize) -> Vec<Leaf> {
        let Some(found) = &leaf.found else {
            return vec![leaf];
        };
        let of = &self.x.columns[found.column];
        let missing = self.x.cuts[found.column].bins();
        let goes_left = |i: &u32| {
            let bin = of[*i as usize] as usize;
            match self.x.cuts[found.column] {
                _ if bin == missing => found.missing_left,
                Cut::Numeric { .. } => bin <= found.last,
                Cut::Levels { .. } => found.levels[bin / 64] >> (bin % 64) & 1 == 1,
            }
        };
        let (a, b): (Vec<u32>, Vec<u32>) = leaf.rows.iter().partition(|i| goes_left(i));
        let Some(parent) = leaf.histograms else {
            return vec![self.leaf(left, a, None), self.leaf(right, b, None)];
        };
        let (small, large) = if a.len() <= b.len() { (&a, &b) } else { (&b, &a) };
        if large.len() < 2 * self.params.rows_min {
            return vec![self.leaf(left, a, None), self.leaf(right, b, None)];
        }
        let of_small: Vec<Vec<Sums>> = (0..parent.len()).map(|j| self.histogram(j, small)).collect();
        let of_large = parent
            .iter()
            .zip(&of_small)
            .map(|(p, s)| p.iter().zip(s).map(|(p, s)| p.less(*s)).collect())
            .collect();
        let small_is_left = a.len() <= b.len();
        let (ha, hb) = if small_is_left {
            (of_small, of_large)
        } else {
            (of_large, of_small)
        };
        vec![self.leaf(left, a, Some(ha)), self.leaf(right, b, Some(hb))]
    }
}

/// The levels on the left; one not seen here is as good as missing.
fn level_set(known: &[Sums], left: &[usize], missing_left: bool) -> [u64; 4] {
    let mut set = [0u64; 4];
    let mut put = |b: usize| set[b / 64] |= 1 << (b % 64);
    left.iter().for_each(|b| put(*b));
    if missing_left {
        (0..256)
            .filter(|b| known.get(*b).is_none_or(|k| k.rows == 0))
            .for_each(put);
    }
    set
}

/// Levels that occur, by mean gradient; the penalty draws rare ones to the middle.
fn by_mean_gradient(known: &[Sums], lambda: f64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..known.len()).filter(|&b| known[b].rows > 0).collect();
    let mean = |b: usize| known[b].g / (known[b].h + lambda).max(f64::MIN_POSITIVE);
    order.sort_unstable_by(|&a, &b| mean(a).total_cmp(&mean(b)).then(a.cmp(&b)));
    order
}

#[cfg(test)]
mod tests {
    use ceteris_effect::Column;
    use ndarray::{Array2, array};

    use super::*;
    use crate::learner::Design;

    const EXACT: GrowParams = GrowParams {
        leaves_max: 8,
        rows_min: 1,
        lambda: 0.0,
        columns: 9,
        seed: 0,
    };

    fn tree(x: &Design, y: &[f64], params: &GrowParams) -> Tree {
        let g: Vec<f64> = y.iter().map(|y| -y).collect();
        let rows = (0..y.len() as u32).collect();
        grow(
            &Binned::new(x, &vec![1.0; y.len()], 64),
            rows,
            &g,
            &vec![1.0; y.len()],
            params,
        )
    }

    #[test]
    fn a_step_is_found_exactly() {
        let x = Design::from_columns(vec![
            (Column::numeric("noise"), vec![3.0, 1.0, 2.0, 3.0, 1.0, 2.0]),
            (Column::numeric("step"), vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        ])
        .unwrap();
        let t = tree(&x, &[1.0, 1.0, 5.0, 5.0, 5.0, 5.0], &EXACT);
        assert_eq!(t.leaves(), 2);
        assert_eq!((t.predict(&[9.0, 2.4]), t.predict(&[9.0, 2.6])), (1.0, 5.0));
    }

    #[test]
    fn levels_are_grouped_by_what_they_do() {
        let levels: Vec<String> = ["a", "b", "c", "d"].map(String::from).to_vec();
        let x = Design::from_columns(vec![(
            Column::categorical("k", levels),
            vec![0.0, 1.0, 2.0, 0.0, 1.0, 2.0],
        )])
        .unwrap();
        let t = tree(&x, &[7.0, 1.0, 7.0, 7.0, 1.0, 7.0], &EXACT);
        assert_eq!(t.leaves(), 2);
        let at = |v: f64| t.predict(&[v]);
        assert_eq!((at(0.0), at(1.0), at(2.0)), (7.0, 1.0, 7.0));
        // Never seen and missing follow the larger side.
        assert_eq!((at(f64::NAN), at(3.0)), (7.0, 7.0));
    }

    #[test]
    fn missing_values_go_where_they_belong() {
        let nan = f64::NAN;
        let x = Design::with_missing(
            array![[1.0], [2.0], [nan], [3.0], [4.0], [nan]],
            vec![Column::numeric("x")],
        )
        .unwrap();
        let t = tree(&x, &[0.0, 0.0, 9.0, 9.0, 9.0, 9.0], &EXACT);
        assert_eq!((t.leaves(), t.predict(&[nan])), (2, 9.0));
        // Missing alone differs: it is split off from every number.
        let t = tree(&x, &[0.0, 0.0, 9.0, 0.0, 0.0, 9.0], &EXACT);
        assert_eq!((t.predict(&[nan]), t.predict(&[4.0])), (9.0, 0.0));
    }

    #[test]
    fn histograms_by_difference_give_the_tree_of_histograms_by_count() {
        let n = 400;
        let value = |i: usize, j: usize| ((i * (13 + 2 * j) * 7919) % 997) as f64;
        let columns: Vec<Column> = (0..3).map(|j| Column::numeric(format!("x{j}"))).collect();
        let x = Design::new(Array2::from_shape_fn((n, 3), |(i, j)| value(i, j)), columns).unwrap();
        let y: Vec<f64> = (0..n)
            .map(|i| (value(i, 0) / 100.0).floor() * 2.0 + (value(i, 1) / 300.0).floor())
            .collect();
        let params = GrowParams {
            leaves_max: 16,
            rows_min: 10,
            ..EXACT
        };
        let grown = tree(&x, &y, &params);
        // Leaf values are means of their rows: the residual sums to zero in each.
        let mut sums = std::collections::BTreeMap::new();
        for i in 0..n {
            let p = grown.predict(x.row(i));
            let at = sums.entry(p.to_bits()).or_insert((0.0, 0));
            at.0 += y[i] - p;
            at.1 += 1;
        }
        assert!(sums.values().all(|(s, c)| s.abs() < 1e-9 && *c >= 10));
        assert_eq!(grown.leaves(), 16);
    }
}
