//! Growing one little bag: draw, split, fill the leaves honestly, cut empty branches, flatten.

use std::ops::Range;

use ceteris_effect::forest::build::{NOWHERE, Node, Trees, add_row, stride};

use super::draw::Stream;
use super::sample::{TrainingRows, half_sample, splitting_size, tree_size};
use super::split::{Criterion, Split, scan};
use super::{ForestParams, ValidForestParams};

/// Purpose of a tree's stream.
const TREE: u64 = 0x7472_6565;
/// A row that is not in the tree's splitting sample.
const OUTSIDE: u32 = u32::MAX;

/// A node while its tree grows; children are `next` and `next + 1`.
#[derive(Clone, Copy)]
struct Growing {
    split: Split,
    /// Zero for a leaf, for the root is nobody's child.
    next: usize,
}

/// Room for growing trees of one sample, used for one after another.
pub(super) struct Grower<'a, C> {
    sample: &'a TrainingRows,
    params: &'a ForestParams,
    mtry: f64,
    criterion: C,
    clusters: Vec<u32>,
    role: Vec<u8>,
    splitting: Vec<u32>,
    estimating: Vec<u32>,
    local: Vec<u32>,
    /// Codes of the splitting rows, feature by feature.
    codes: Vec<u16>,
    /// For each feature the splitting rows by rising code, each node's side by side.
    order: Vec<u32>,
    moved: Vec<u32>,
    goes_left: Vec<bool>,
    features: Vec<usize>,
    nodes: Vec<Growing>,
    open: Vec<(usize, Range<usize>)>,
    sums: Vec<f64>,
    counts: Vec<usize>,
}

impl<'a, C: Criterion> Grower<'a, C> {
    pub(super) fn new(sample: &'a TrainingRows, params: &'a ValidForestParams) -> Self {
        let width = sample.codes.width;
        Grower {
            sample,
            params: params.get(),
            mtry: params.mtry(width) as f64,
            criterion: C::new(sample, params.get()),
            clusters: Vec::new(),
            role: Vec::new(),
            splitting: Vec::new(),
            estimating: Vec::new(),
            local: vec![OUTSIDE; sample.n()],
            codes: Vec::new(),
            order: Vec::new(),
            moved: Vec::new(),
            goes_left: Vec::new(),
            features: (0..width).collect(),
            nodes: Vec::new(),
            open: Vec::new(),
            sums: Vec::new(),
            counts: Vec::new(),
        }
    }

    /// The trees of one bag.
    pub(super) fn bag(&mut self, number: usize) -> Trees {
        let mut trees = Trees::new(self.params.bag, self.sample.k);
        let count = self.sample.clusters();
        let mut half = std::mem::take(&mut self.clusters);
        let size = half_sample(self.params.seed, number, &mut half, count);
        for t in 0..self.params.bag {
            let mut stream = Stream::new(self.params.seed, number * self.params.bag + t, TREE);
            self.draw(&mut stream, &mut half[..size]);
            // Each tree sets out from one order of features, whatever grew before it.
            self.features.iter_mut().enumerate().for_each(|(i, f)| *f = i);
            self.grow(&mut stream);
            self.fill();
            self.flatten(&mut trees);
        }
        self.clusters = half;
        trees
    }

    /// Draws the tree's clusters and parts them into those that split and those that estimate.
    fn draw(&mut self, stream: &mut Stream, half: &mut [u32]) {
        let drawn = tree_size(self.params, self.sample.clusters());
        let splitting = splitting_size(self.params, drawn);
        stream.choose(half, drawn);
        self.role.clear();
        self.role.resize(self.sample.clusters(), 0);
        half[..splitting].iter().for_each(|&c| self.role[c as usize] = 1);
        half[splitting..drawn]
            .iter()
            .for_each(|&c| self.role[c as usize] = 2);
        self.splitting.clear();
        self.estimating.clear();
        for (role, ends) in self.role.iter().zip(self.sample.starts.windows(2)) {
            match role {
                1 => self.splitting.extend(ends[0]..ends[1]),
                2 => self.estimating.extend(ends[0]..ends[1]),
                _ => {}
            }
        }
    }

    fn grow(&mut self, stream: &mut Stream) {
        self.load();
        let rows = self.splitting.len();
        self.nodes.clear();
        self.nodes.push(Growing {
            split: Split::NONE,
            next: 0,
        });
        self.open.clear();
        self.open.push((0, 0..rows));
        while let Some((at, range)) = self.open.pop() {
            let Some(split) = self.best_split(stream, &range) else {
                continue;
            };
            let middle = self.part(&split, &range);
            let next = self.nodes.len();
            self.nodes[at] = Growing { split, next };
            self.nodes.extend(
                [Growing {
                    split: Split::NONE,
                    next: 0,
                }; 2],
            );
            self.open.push((next + 1, middle..range.end));
            self.open.push((next, range.start..middle));
        }
    }

    /// Copies codes and orders of the splitting rows, which from here on are numbered from 0.
    fn load(&mut self) {
        let (all, rows) = (&self.sample.codes, &self.splitting);
        let (n, m) = (self.sample.n(), rows.len());
        self.criterion.load(self.sample, rows);
        for (l, &i) in rows.iter().enumerate() {
            self.local[i as usize] = l as u32;
        }
        self.codes.resize(all.width * m, 0);
        for (l, &i) in rows.iter().enumerate() {
            for (f, &code) in all.row(i as usize).iter().enumerate() {
                self.codes[f * m + l] = code;
            }
        }
        // One place more than rows, so that every row may be written before it is known to belong.
        self.moved.resize(m + 1, 0);
        self.order.resize(all.width * m, 0);
        for (order, mine) in all.order.chunks(n.max(1)).zip(self.order.chunks_mut(m.max(1))) {
            let mut kept = 0;
            for &i in order {
                let l = self.local[i as usize];
                self.moved[kept] = l;
                kept += usize::from(l != OUTSIDE);
            }
            mine.copy_from_slice(&self.moved[..m]);
        }
        for &i in rows {
            self.local[i as usize] = OUTSIDE;
        }
        self.goes_left.resize(m, false);
    }

    fn best_split(&mut self, stream: &mut Stream, range: &Range<usize>) -> Option<Split> {
        let (m, width) = (self.splitting.len(), self.features.len());
        if width == 0 || range.len() < self.criterion.rows_min() {
            return None;
        }
        if !self.criterion.relabel(&self.order[range.clone()]) {
            return None;
        }
        let tried = stream.poisson(self.mtry).clamp(1, width);
        stream.choose(&mut self.features, tried);
        let mut best = Split::NONE;
        for &f in &self.features[..tried] {
            let order = &self.order[f * m + range.start..f * m + range.end];
            scan(
                &mut self.criterion,
                f,
                order,
                &self.codes[f * m..(f + 1) * m],
                &mut best,
            );
        }
        (best.gain > 0.0).then_some(best)
    }

    /// Parts every feature's rows of a node into left and right, keeping their order; gives where the right begins.
    fn part(&mut self, split: &Split, range: &Range<usize>) -> usize {
        let m = self.splitting.len();
        let codes = &self.codes[split.feature * m..(split.feature + 1) * m];
        let mut left = 0;
        for &i in &self.order[range.clone()] {
            let goes = split.left(codes[i as usize]);
            self.goes_left[i as usize] = goes;
            left += usize::from(goes);
        }
        let middle = range.start + left;
        let rows_min = self.criterion.rows_min();
        if left < rows_min && range.len() - left < rows_min {
            return middle; // Both children are leaves: nobody reads their order.
        }
        for order in self.order.chunks_mut(m) {
            let order = &mut order[range.clone()];
            let (mut kept, mut away) = (0, 0);
            for at in 0..order.len() {
                let i = order[at];
                // Both are written, one of them counts.
                order[kept] = i;
                self.moved[away] = i;
                let goes = self.goes_left[i as usize];
                kept += usize::from(goes);
                away += usize::from(!goes);
            }
            order[kept..].copy_from_slice(&self.moved[..away]);
        }
        middle
    }

    /// Sends the estimating rows down and averages their terms.
    fn fill(&mut self) {
        let stride = stride(self.sample.k);
        self.sums.clear();
        self.sums.resize(self.nodes.len() * stride, 0.0);
        self.counts.clear();
        self.counts.resize(self.nodes.len(), 0);
        for &i in &self.estimating {
            let i = i as usize;
            let codes = self.sample.codes.row(i);
            let mut at = 0;
            while self.nodes[at].next > 0 {
                let split = &self.nodes[at].split;
                at = self.nodes[at].next + usize::from(!split.left(codes[split.feature]));
            }
            self.counts[at] += 1;
            let d = &self.sample.d[i * self.sample.k..(i + 1) * self.sample.k];
            add_row(
                &mut self.sums[at * stride..(at + 1) * stride],
                self.sample.w[i],
                self.sample.y[i],
                d,
            );
        }
        // Children come after their parents.
        for at in (0..self.nodes.len()).rev() {
            let next = self.nodes[at].next;
            if next > 0 {
                self.counts[at] = self.counts[next] + self.counts[next + 1];
            }
        }
    }

    /// The node that stands for `at` once branches without estimating rows are cut.
    fn pruned(&self, mut at: usize) -> usize {
        loop {
            let next = self.nodes[at].next;
            at = match next {
                0 => return at,
                _ if self.counts[next] == 0 => next + 1,
                _ if self.counts[next + 1] == 0 => next,
                _ => return at,
            };
        }
    }

    /// Writes the tree breadth first.
    fn flatten(&self, trees: &mut Trees) {
        if self.counts[0] == 0 {
            trees.roots.push(NOWHERE);
            return;
        }
        let (stride, width) = (stride(self.sample.k), self.features.len());
        let first = trees.nodes.len();
        trees.roots.push(first as u32);
        let mut waiting = vec![self.pruned(0)];
        let mut done = 0;
        while done < waiting.len() {
            let at = waiting[done];
            let Growing { split, next } = self.nodes[at];
            done += 1;
            if next == 0 {
                let leaf = (trees.leaves.len() / stride) as u32;
                let share = 1.0 / self.counts[at] as f64;
                let sums = &self.sums[at * stride..(at + 1) * stride];
                trees.leaves.extend(sums.iter().map(|s| s * share));
                trees.nodes.push(Node::leaf(leaf));
                continue;
            }
            let side = if split.missing_right { width } else { 0 };
            trees.nodes.push(Node {
                feature: (split.feature + side) as u16,
                code: split.code,
                next: (first + waiting.len()) as u32,
            });
            waiting.push(self.pruned(next));
            waiting.push(self.pruned(next + 1));
        }
    }
}
