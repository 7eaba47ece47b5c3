//! Where nodes stand in a picture: causes left of effects, and in each column near what they are joined to.

use crate::graph::{Graph, NodeId};

/// Sweeps that settle the order within columns; drawings of some dozen nodes settle in a few.
const SWEEPS: usize = 8;

/// The column of each node, and its row within the column.
pub(super) fn places(graph: &Graph) -> Vec<(usize, usize)> {
    let view = graph.view();
    let mut column = vec![0; graph.len()];
    for v in view.topological_order() {
        column[v.index()] = view.parents(v).map(|p| column[p.index()] + 1).max().unwrap_or(0);
    }
    let width = column.iter().max().map_or(0, |last| last + 1);
    let mut columns: Vec<Vec<NodeId>> = vec![Vec::new(); width];
    for (v, _) in graph.nodes() {
        columns[column[v.index()]].push(v);
    }
    let mut row = vec![0.0; graph.len()];
    for nodes in &columns {
        settle(nodes, &mut row);
    }
    for sweep in 0..SWEEPS {
        for at in 0..width {
            let nodes = &mut columns[if sweep % 2 == 0 { at } else { width - 1 - at }];
            let mean = |v: NodeId| {
                let near: Vec<f64> = view
                    .parents(v)
                    .chain(view.children(v))
                    .chain(view.siblings(v))
                    .map(|w| row[w.index()])
                    .collect();
                if near.is_empty() {
                    row[v.index()]
                } else {
                    near.iter().sum::<f64>() / near.len() as f64
                }
            };
            let mut ranked: Vec<(f64, NodeId)> = nodes.iter().map(|&v| (mean(v), v)).collect();
            ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            *nodes = ranked.into_iter().map(|(_, v)| v).collect();
            settle(nodes, &mut row);
        }
    }
    let mut places = vec![(0, 0); graph.len()];
    for (x, nodes) in columns.iter().enumerate() {
        for (y, v) in nodes.iter().enumerate() {
            places[v.index()] = (x, y);
        }
    }
    places
}

/// Rows from the middle of the column outwards are comparable between columns of different lengths.
fn settle(nodes: &[NodeId], row: &mut [f64]) {
    let middle = (nodes.len() as f64 - 1.0) / 2.0;
    for (y, v) in nodes.iter().enumerate() {
        row[v.index()] = y as f64 - middle;
    }
}
