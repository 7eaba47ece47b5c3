//! Nested counterfactuals by enumeration: Y(a, M(r)) in a model whose nodes answer to two worlds at once.

use super::{Model, chance, pick};

/// How a node's answers to two different states of its parents hang together; single worlds cannot tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coupling {
    /// Apart.
    Independent,
    /// By one and the same threshold.
    Monotone,
    /// By a threshold and its mirror image.
    Opposed,
}

pub const COUPLINGS: [Coupling; 3] = [Coupling::Independent, Coupling::Monotone, Coupling::Opposed];

impl Coupling {
    /// P(first answer = i, second answer = j), from the chances of 1.
    pub fn joint(self, p: f64, q: f64, i: u32, j: u32) -> f64 {
        let both = match self {
            Self::Independent => p * q,
            Self::Monotone => p.min(q),
            Self::Opposed => (p + q - 1.0).max(0.0),
        };
        match (i, j) {
            (1, 1) => both,
            (1, _) => p - both,
            (_, 1) => q - both,
            _ => 1.0 - p - q + both,
        }
    }
}

impl Model {
    /// The distribution over cells of the world in which node `x` is `a` and the nodes of `m` are what they would be
    /// were `x` set to `r`.
    pub fn nested(&self, x: usize, m: u32, a: u32, r: u32, coupling: Coupling) -> Vec<f64> {
        let mut table = vec![0.0; 1 << self.small.n];
        for hidden in 0..1u32 << self.latent.len() {
            let weight: f64 = self
                .latent
                .iter()
                .enumerate()
                .map(|(i, p)| pick(*p, hidden >> i & 1))
                .product();
            let worlds = Worlds {
                model: self,
                x,
                m,
                set: [a, r],
                coupling,
                hidden,
            };
            worlds.answer(0, [0, 0], weight, &mut table);
        }
        table
    }
}

/// Two worlds with the same latent values, in which node `x` is set to either of `set`.
struct Worlds<'a> {
    model: &'a Model,
    x: usize,
    m: u32,
    set: [u32; 2],
    coupling: Coupling,
    hidden: u32,
}

impl Worlds<'_> {
    /// Adds the chances of all answers of node `v` and those after it, given the cells of the nodes before it.
    fn answer(&self, v: usize, cells: [u32; 2], weight: f64, table: &mut [f64]) {
        let Model { small, seed, .. } = self.model;
        if v == small.n {
            table[cells[0] as usize] += weight;
            return;
        }
        let mut go = |values: [u32; 2], p: f64| {
            let next = [cells[0] | values[0] << v, cells[1] | values[1] << v];
            if p > 0.0 {
                self.answer(v + 1, next, weight * p, table);
            }
        };
        if v == self.x {
            return go(self.set, 1.0);
        }
        let mut own = 0u64;
        for (i, &(a, b)) in small.bidirected.iter().enumerate() {
            if (a == v || b == v) && self.hidden >> i & 1 == 1 {
                own |= 1 << i;
            }
        }
        let states = cells.map(|cell| u64::from(cell & small.parents[v]) << 32 | own);
        let [p, q] = states.map(|state| chance(*seed, v as u64, state));
        for first in 0..2 {
            if self.m >> v & 1 == 1 {
                go([first, first], pick(q, first));
            } else if states[0] == states[1] {
                go([first, first], pick(p, first));
            } else {
                for second in 0..2 {
                    go([first, second], self.coupling.joint(p, q, first, second));
                }
            }
        }
    }
}
