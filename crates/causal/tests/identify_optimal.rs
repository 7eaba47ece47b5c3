//! The optimal adjustment set has the smallest asymptotic variance of all: checked on random linear Gaussian models, in
//! which the variance of the adjusted coefficient is Var(y | x, z) / Var(x | z).
#![allow(clippy::unwrap_used)]

mod identify_oracle;

use ceteris_causal::graph::{Graph, NodeId, NodeSet};
use ceteris_causal::identify::{Query, identify, is_adjustment_set};
use identify_oracle::{Small, name, random_graph};
use proptest::prelude::*;

/// The covariance of a linear model with these coefficients and noise variances; parents come first.
fn covariance(graph: &Graph, weights: &[f64], noise: &[f64]) -> Vec<Vec<f64>> {
    let small = Small::of(graph);
    let n = small.n;
    // loads[v][u] is the total effect of the noise of u on v.
    let mut loads = vec![vec![0.0; n]; n];
    for v in 0..n {
        loads[v][v] = 1.0;
        for p in (0..v).filter(|p| small.parents[v] >> p & 1 == 1) {
            for u in 0..n {
                let passed = weights[v * n + p] * loads[p][u];
                loads[v][u] += passed;
            }
        }
    }
    (0..n)
        .map(|a| {
            (0..n)
                .map(|b| (0..n).map(|u| loads[a][u] * loads[b][u] * noise[u]).sum())
                .collect()
        })
        .collect()
}

/// Var(target | given), by eliminating the given ones one at a time.
fn residual_variance(covariance: &[Vec<f64>], target: usize, given: &[usize]) -> f64 {
    let mut c = covariance.to_vec();
    for &g in given {
        let row = c[g].clone();
        for a in 0..c.len() {
            let scale = c[a][g] / row[g];
            for b in 0..c.len() {
                c[a][b] -= scale * row[b];
            }
        }
        // What is left of an eliminated variable is zero but for rounding; it is not used again.
    }
    c[target][target]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_adjustment_set_beats_the_optimal_one(
        directed in any::<u32>(),
        ends in (0usize..6, 0usize..6),
        weights in prop::collection::vec(prop_oneof![-1.5..-0.3f64, 0.3..1.5f64], 36),
        noise in prop::collection::vec(0.3..2.0f64, 6),
    ) {
        let n = 6;
        let (x, y) = ends;
        prop_assume!(x != y);
        let graph = random_graph(n, directed, 0);
        let answer = identify(&graph, &Query::new(name(x), name(y))).unwrap();
        let below = graph.view().descendants(&NodeSet::one(NodeId::new(x)));
        prop_assert_eq!(answer.optimal_adjustment_set.is_some(), below.contains(NodeId::new(y)));
        let Some(best) = answer.optimal_adjustment_set else { return Ok(()) };
        let best: Vec<usize> = best.iter().map(|v| graph.id(v).unwrap().index()).collect();
        let covariance = covariance(&graph, &weights, &noise);
        let variance = |set: &[usize]| {
            let with_x: Vec<usize> = set.iter().copied().chain([x]).collect();
            residual_variance(&covariance, y, &with_x) / residual_variance(&covariance, x, set)
        };
        let one = |v: usize| NodeSet::one(NodeId::new(v));
        let set_of = |set: &[usize]| -> NodeSet { set.iter().map(|&v| NodeId::new(v)).collect() };
        prop_assert!(is_adjustment_set(&graph, &one(x), &one(y), &set_of(&best)));
        for mask in 0..1u32 << n {
            let other: Vec<usize> = (0..n).filter(|v| mask >> v & 1 == 1).collect();
            if is_adjustment_set(&graph, &one(x), &one(y), &set_of(&other)) {
                prop_assert!(variance(&best) <= variance(&other) * (1.0 + 1e-9), "{:?} {:?}", best, other);
            }
        }
    }
}
