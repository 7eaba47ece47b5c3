//! No treatment: splits that part a node's means, the regression trees of nuisances and scores.

use super::Criterion;
use crate::forest::ForestParams;
use crate::forest::sample::TrainingRows;

/// Pseudo-outcomes `y − y_bar`. A side keeps at least `alpha` of the node's rows; a node of at most `min_node` rows is
/// a leaf.
pub(in crate::forest) struct Mean {
    min_node: usize,
    alpha: f64,
    penalty: f64,
    y: Vec<f64>,
    w: Vec<f64>,
    terms: Vec<[f64; 2]>,
    total: [f64; 2],
    rows: usize,
    rows_side: usize,
    left: [f64; 2],
    left_rows: usize,
}

impl Criterion for Mean {
    fn new(_: &TrainingRows, params: &ForestParams) -> Self {
        Mean {
            min_node: params.min_node,
            alpha: params.alpha,
            penalty: params.imbalance_penalty,
            y: Vec::new(),
            w: Vec::new(),
            terms: Vec::new(),
            total: [0.0; 2],
            rows: 0,
            rows_side: 1,
            left: [0.0; 2],
            left_rows: 0,
        }
    }

    fn rows_min(&self) -> usize {
        self.min_node + 1
    }

    fn load(&mut self, sample: &TrainingRows, rows: &[u32]) {
        for (held, all) in [(&mut self.y, &sample.y), (&mut self.w, &sample.w)] {
            held.clear();
            held.extend(rows.iter().map(|&i| all[i as usize]));
        }
        self.terms.resize(rows.len(), [0.0; 2]);
    }

    fn relabel(&mut self, node: &[u32]) -> bool {
        let (mut w, mut wy) = (0.0, 0.0);
        for &i in node {
            w += self.w[i as usize];
            wy += self.w[i as usize] * self.y[i as usize];
        }
        let y_bar = wy / w;
        self.total = [0.0; 2];
        for &i in node {
            let i = i as usize;
            self.terms[i] = [self.w[i] * (self.y[i] - y_bar), self.w[i]];
            self.total[0] += self.terms[i][0];
            self.total[1] += self.terms[i][1];
        }
        self.rows = node.len();
        self.rows_side = ((self.alpha * node.len() as f64).ceil() as usize).max(1);
        node.len() > self.min_node
    }

    fn start(&mut self) {
        self.left = [0.0; 2];
        self.left_rows = 0;
    }

    #[inline(always)]
    fn add(&mut self, row: usize) {
        self.left[0] += self.terms[row][0];
        self.left[1] += self.terms[row][1];
        self.left_rows += 1;
    }

    #[inline(always)]
    fn gain(&self) -> f64 {
        let right_rows = self.rows - self.left_rows;
        if self.left_rows.min(right_rows) < self.rows_side {
            return f64::NEG_INFINITY;
        }
        let (right, right_w) = (self.total[0] - self.left[0], self.total[1] - self.left[1]);
        let gain = self.left[0] * self.left[0] / self.left[1] + right * right / right_w;
        gain - self.penalty * (1.0 / self.left_rows as f64 + 1.0 / right_rows as f64)
    }
}
