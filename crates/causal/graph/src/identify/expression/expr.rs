//! The working form of an estimand: terms over nodes, where a bound variable is a numbered copy of its node. Products,
//! quotients and sums are made in [`super::simplify`]; an expression becomes an [`Estimand`] with names at the end.

use super::estimand::Estimand;
use crate::graph::{Graph, NodeId, NodeSet};
use std::collections::{BTreeMap, BTreeSet};

/// A variable: copy 0 of a node is the free one, others are bound by a sum around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Var {
    pub(crate) node: NodeId,
    pub(crate) copy: u32,
}

/// An expression in conditional probabilities of the observed joint distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expr {
    P { of: BTreeSet<Var>, given: BTreeSet<Var> },
    Product(Vec<Expr>),
    Sum { over: BTreeSet<Var>, body: Box<Expr> },
    Ratio { num: Box<Expr>, den: Box<Expr> },
}

fn free_vars(set: &NodeSet) -> BTreeSet<Var> {
    set.iter().map(|node| Var { node, copy: 0 }).collect()
}

impl Expr {
    /// P(of | given) over free variables; 1 when `of` is empty.
    pub(crate) fn p(of: &NodeSet, given: &NodeSet) -> Self {
        let given = given.difference(of);
        if of.is_empty() {
            Self::one()
        } else {
            Self::P {
                of: free_vars(of),
                given: free_vars(&given),
            }
        }
    }

    /// The empty product.
    pub(crate) fn one() -> Self {
        Self::Product(Vec::new())
    }

    /// The factors of a product; an expression of another kind is its own only factor.
    pub(crate) fn into_factors(self) -> Vec<Self> {
        match self {
            Self::Product(factors) => factors,
            other => vec![other],
        }
    }

    /// The variables that no sum inside binds.
    pub(crate) fn free(&self) -> BTreeSet<Var> {
        match self {
            Self::P { of, given } => of.union(given).copied().collect(),
            Self::Product(factors) => factors.iter().flat_map(Self::free).collect(),
            Self::Sum { over, body } => body.free().difference(over).copied().collect(),
            Self::Ratio { num, den } => num.free().union(&den.free()).copied().collect(),
        }
    }

    /// Whether a variable occurs free.
    pub(crate) fn mentions(&self, var: Var) -> bool {
        match self {
            Self::P { of, given } => of.contains(&var) || given.contains(&var),
            Self::Product(factors) => factors.iter().any(|f| f.mentions(var)),
            Self::Sum { over, body } => !over.contains(&var) && body.mentions(var),
            Self::Ratio { num, den } => num.mentions(var) || den.mentions(var),
        }
    }

    /// How many variables and operators it holds: what a copy of it costs.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::P { of, given } => 1 + of.len() + given.len(),
            Self::Product(factors) => 1 + factors.iter().map(Self::size).sum::<usize>(),
            Self::Sum { over, body } => 1 + over.len() + body.size(),
            Self::Ratio { num, den } => 1 + num.size() + den.size(),
        }
    }

    /// The largest number of a copy in it.
    pub(crate) fn copies_max(&self) -> u32 {
        match self {
            Self::P { of, given } => of.iter().chain(given).map(|v| v.copy).max().unwrap_or(0),
            Self::Product(factors) => factors.iter().map(Self::copies_max).max().unwrap_or(0),
            Self::Sum { over, body } => over
                .iter()
                .map(|v| v.copy)
                .max()
                .unwrap_or(0)
                .max(body.copies_max()),
            Self::Ratio { num, den } => num.copies_max().max(den.copies_max()),
        }
    }

    /// The expression with free variables renamed. No new name may be bound inside.
    pub(crate) fn renamed(&self, names: &BTreeMap<Var, Var>) -> Self {
        let of_set = |set: &BTreeSet<Var>| set.iter().map(|v| *names.get(v).unwrap_or(v)).collect();
        match self {
            Self::P { of, given } => Self::P {
                of: of_set(of),
                given: of_set(given),
            },
            Self::Product(factors) => Self::Product(factors.iter().map(|f| f.renamed(names)).collect()),
            Self::Sum { over, body } => {
                let outer = names
                    .iter()
                    .filter(|(v, _)| !over.contains(v))
                    .map(|(a, b)| (*a, *b))
                    .collect();
                Self::Sum {
                    over: over.clone(),
                    body: Box::new(body.renamed(&outer)),
                }
            }
            Self::Ratio { num, den } => Self::Ratio {
                num: Box::new(num.renamed(names)),
                den: Box::new(den.renamed(names)),
            },
        }
    }

    /// The expression with names: a bound variable is written with as few primes as keep it apart from every variable
    /// free in the whole (`reserved` among them) and from those bound around it.
    pub(crate) fn named(&self, graph: &Graph, reserved: &NodeSet) -> Estimand {
        let mut taken: BTreeMap<Var, String> = BTreeMap::new();
        for var in self.free().into_iter().chain(free_vars(reserved)) {
            let mut name = graph.node(var.node).name.clone();
            // A second free value of one node, as mediation has, comes after the first.
            name.extend((0..u32::from(var.copy > 0)).map(|_| '\''));
            taken.insert(var, name);
        }
        self.named_within(graph, &taken)
    }

    fn named_within(&self, graph: &Graph, taken: &BTreeMap<Var, String>) -> Estimand {
        let names = |set: &BTreeSet<Var>| set.iter().map(|v| taken[v].clone()).collect();
        match self {
            Self::P { of, given } => Estimand::P {
                of: names(of),
                given: names(given),
            },
            Self::Product(factors) => {
                Estimand::Product(factors.iter().map(|f| f.named_within(graph, taken)).collect())
            }
            Self::Ratio { num, den } => Estimand::Ratio {
                num: Box::new(num.named_within(graph, taken)),
                den: Box::new(den.named_within(graph, taken)),
            },
            Self::Sum { over, body } => {
                let mut inside = taken.clone();
                let mut bound = Vec::new();
                for &var in over {
                    let mut name = graph.node(var.node).name.clone();
                    while inside.values().any(|other| *other == name) {
                        name.push('\'');
                    }
                    inside.insert(var, name.clone());
                    bound.push(name);
                }
                Estimand::Sum {
                    over: bound,
                    body: Box::new(body.named_within(graph, &inside)),
                }
            }
        }
    }
}
