//! Independent oracles for graphs and identification: random binary models, truncated factorisation, hedges and
//! separation by enumeration. They share nothing with the engine but the graph type and its edge list.
#![allow(clippy::unwrap_used)]

pub mod response;
pub mod twins;

use ceteris_graph::identify::Joint;
use ceteris_graph::{EdgeKind, Graph, GraphBuilder, Node, NodeId, NodeSet};

/// A small ADMG as bit masks: `parents[v]`, `siblings[v]`; nodes are named A, B, ..
#[derive(Debug, Clone)]
pub struct Small {
    pub n: usize,
    pub parents: Vec<u32>,
    pub siblings: Vec<u32>,
    pub bidirected: Vec<(usize, usize)>,
}

pub fn name(v: usize) -> String {
    char::from(b'A' + v as u8).to_string()
}

/// The names of the nodes in a bit mask.
pub fn names(mask: u32) -> Vec<String> {
    (0..32).filter(|v| mask >> v & 1 == 1).map(name).collect()
}

/// The nodes in a bit mask.
pub fn set(mask: u32) -> NodeSet {
    (0..32).filter(|v| mask >> v & 1 == 1).map(NodeId::new).collect()
}

/// The ADMG whose pairs i < j have `i -> j` and `i <-> j` as the bits of the two words say.
pub fn random_graph(n: usize, directed: u32, bidirected: u32) -> Graph {
    let mut builder = GraphBuilder::new();
    for v in 0..n {
        builder = builder.node(Node::new(name(v)));
    }
    let mut bit = 0;
    for i in 0..n {
        for j in i + 1..n {
            if directed >> bit & 1 == 1 {
                builder = builder.directed(&name(i), &name(j));
            }
            if bidirected >> bit & 1 == 1 {
                builder = builder.bidirected(&name(i), &name(j));
            }
            bit += 1;
        }
    }
    builder.build().unwrap()
}

impl Small {
    pub fn of(graph: &Graph) -> Self {
        let n = graph.len();
        let mut small = Self {
            n,
            parents: vec![0; n],
            siblings: vec![0; n],
            bidirected: Vec::new(),
        };
        for edge in graph.edges() {
            let (a, b) = (
                graph.id(&edge.from).unwrap().index(),
                graph.id(&edge.to).unwrap().index(),
            );
            match edge.kind {
                EdgeKind::Directed => small.parents[b] |= 1 << a,
                EdgeKind::Bidirected => {
                    small.siblings[a] |= 1 << b;
                    small.siblings[b] |= 1 << a;
                    small.bidirected.push((a, b));
                }
            }
        }
        small
    }

    /// Ancestors of a set, itself included, when the nodes of `set_nodes` have no parents, all within `inside`.
    pub fn ancestors(&self, of: u32, inside: u32, set_nodes: u32) -> u32 {
        let mut found = of & inside;
        loop {
            let mut wider = found;
            for v in 0..self.n {
                if found >> v & 1 == 1 && set_nodes >> v & 1 == 0 {
                    wider |= self.parents[v] & inside;
                }
            }
            if wider == found {
                return found;
            }
            found = wider;
        }
    }

    fn bidirected_connected(&self, set: u32) -> bool {
        let mut found = set & set.wrapping_neg();
        loop {
            let mut wider = found;
            for v in 0..self.n {
                if found >> v & 1 == 1 {
                    wider |= self.siblings[v] & set;
                }
            }
            if wider == found {
                return found == set;
            }
            found = wider;
        }
    }

    /// Whether the sets form a hedge for P(y | do(x)): both connected by bidirected edges, the smaller without and the
    /// larger with treatments, all of the larger leading into the smaller, which lies above y under do(x).
    pub fn is_hedge(&self, forest: u32, inner: u32, x: u32, y: u32) -> bool {
        let all = (1u32 << self.n) - 1;
        inner & !forest == 0
            && forest & x != 0
            && inner & x == 0
            && inner & !self.ancestors(y, all, x) == 0
            && self.bidirected_connected(forest)
            && self.bidirected_connected(inner)
            && self.ancestors(inner, forest, 0) == forest
    }

    /// Whether any hedge exists.
    pub fn hedged(&self, x: u32, y: u32) -> bool {
        (1..1u32 << self.n).any(|forest| (1..1u32 << self.n).any(|inner| self.is_hedge(forest, inner, x, y)))
    }

    /// The same graph without the directed edges out of a set.
    pub fn without_out_of(&self, set: u32) -> Self {
        let mut cut = self.clone();
        cut.parents.iter_mut().for_each(|parents| *parents &= !set);
        cut
    }

    /// The same graph without the edges with an arrowhead at a node of a set.
    pub fn without_into(&self, set: u32) -> Self {
        let mut cut = self.clone();
        for v in 0..self.n {
            if set >> v & 1 == 1 {
                cut.parents[v] = 0;
                cut.siblings[v] = 0;
            }
            cut.siblings[v] &= !set;
        }
        cut.bidirected.retain(|&(a, b)| (1 << a | 1 << b) & set == 0);
        cut
    }

    /// Whether P(y | do(x), z) is out of reach (Shpitser & Pearl 2006, theorem 6 and its corollary): conditions that act as
    /// interventions become such, and then the joint effect on outcomes and remaining conditions is hedged.
    pub fn conditionally_hedged(&self, mut x: u32, y: u32, mut z: u32) -> bool {
        loop {
            let acts = (0..self.n).map(|v| 1u32 << v).find(|&v| {
                z & v != 0
                    && self
                        .without_into(x)
                        .without_out_of(v)
                        .sets_separated(y, v, x | z & !v)
            });
            match acts {
                Some(v) => (x, z) = (x | v, z & !v),
                None => return self.hedged(x, y | z),
            }
        }
    }

    /// Descendants of a set, itself included.
    pub fn descendants(&self, of: u32) -> u32 {
        let all = (1u32 << self.n) - 1;
        (0..self.n)
            .filter(|&v| self.ancestors(1 << v, all, 0) & of != 0)
            .fold(0, |set, v| set | 1 << v)
    }

    /// Whether every a in one set is m-separated from every b in the other, given z.
    pub fn sets_separated(&self, a: u32, b: u32, z: u32) -> bool {
        let bits = |set: u32| (0..self.n).filter(move |v| set >> v & 1 == 1);
        bits(a).all(|i| bits(b).all(|j| self.separated(i, j, z)))
    }

    /// Whether a and b are m-separated given z, by enumeration of all paths.
    pub fn separated(&self, a: usize, b: usize, z: u32) -> bool {
        let all = (1u32 << self.n) - 1;
        let opened = self.ancestors(z, all, 0);
        !self.open_from(a, b, z, opened, 1 << a, None)
    }

    fn open_from(&self, at: usize, goal: usize, z: u32, opened: u32, used: u32, head: Option<bool>) -> bool {
        for next in (0..self.n).filter(|&v| used >> v & 1 == 0) {
            // (arrowhead here, arrowhead there) of every edge between the two.
            let mut marks = Vec::new();
            if self.parents[next] >> at & 1 == 1 {
                marks.push((false, true));
            }
            if self.parents[at] >> next & 1 == 1 {
                marks.push((true, false));
            }
            if self.siblings[at] >> next & 1 == 1 {
                marks.push((true, true));
            }
            for (here, there) in marks {
                let open = match head {
                    None => true,
                    Some(arrived) if arrived && here => opened >> at & 1 == 1,
                    Some(_) => z >> at & 1 == 0,
                };
                let wider = used | 1 << next;
                if open && (next == goal || self.open_from(next, goal, z, opened, wider, Some(there))) {
                    return true;
                }
            }
        }
        false
    }
}

/// A random binary model: each bidirected edge is a latent binary parent of both ends.
pub struct Model {
    small: Small,
    latent: Vec<f64>,
    seed: u64,
}

pub fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn chance(seed: u64, a: u64, b: u64) -> f64 {
    0.1 + 0.8 * (mix(mix(mix(seed) ^ a) ^ b) >> 11) as f64 / (1u64 << 53) as f64
}

impl Model {
    pub fn new(graph: &Graph, seed: u64) -> Self {
        let small = Small::of(graph);
        let latent = (0..small.bidirected.len())
            .map(|i| chance(seed, 1000, i as u64))
            .collect();
        Self { small, latent, seed }
    }

    /// The distribution over cells (bit v = value of node v) when the nodes of `set` are set to the bits of `values`.
    pub fn under(&self, set: u32, values: u32) -> Vec<f64> {
        let n = self.small.n;
        let mut table = vec![0.0; 1 << n];
        for hidden in 0..1u32 << self.latent.len() {
            let weight: f64 = self
                .latent
                .iter()
                .enumerate()
                .map(|(i, p)| pick(*p, hidden >> i & 1))
                .product();
            for (cell, entry) in table.iter_mut().enumerate() {
                let cell = cell as u32;
                if (cell ^ values) & set != 0 {
                    continue;
                }
                let mut p = weight;
                for v in (0..n).filter(|v| set >> v & 1 == 0) {
                    let mut own = 0u64;
                    for (i, &(a, b)) in self.small.bidirected.iter().enumerate() {
                        if (a == v || b == v) && hidden >> i & 1 == 1 {
                            own |= 1 << i;
                        }
                    }
                    let state = u64::from(cell & self.small.parents[v]) << 32 | own;
                    p *= pick(chance(self.seed, v as u64, state), cell >> v & 1);
                }
                *entry += p;
            }
        }
        table
    }

    /// The observed joint as the engine takes it.
    pub fn joint(&self) -> Joint {
        let n = self.small.n;
        let table = self.under(0, 0);
        let variables = (0..n).map(|v| (name(v), 2)).collect();
        // The engine's last variable changes fastest, here the first does.
        let cells = (0..1usize << n)
            .map(|i| table[(0..n).fold(0, |c, v| c | (i >> (n - 1 - v) & 1) << v)])
            .collect();
        Joint::new(variables, cells).unwrap()
    }

    /// P(y = values | do(x = values), z = values) by truncated factorisation.
    pub fn effect(&self, x: u32, y: u32, z: u32, values: u32) -> f64 {
        let table = self.under(x, values);
        let total = |mask: u32| -> f64 {
            let holds = |(cell, _): &(usize, &f64)| (*cell as u32 ^ values) & mask == 0;
            table.iter().enumerate().filter(holds).map(|(_, p)| p).sum()
        };
        total(y | z) / total(z)
    }
}

fn pick(p: f64, value: u32) -> f64 {
    if value == 1 { p } else { 1.0 - p }
}
