//! Rewriting of expressions into smaller equal ones: sums that come to one are dropped, products of a conditional and
//! its condition are joined where a sum then vanishes, common factors cancel. Each rule holds in every distribution
//! that gives every combination of values positive probability.

use super::expr::{Expr, Var};
use crate::graph::NodeSet;
use std::collections::{BTreeMap, BTreeSet};

impl Expr {
    /// The product of these factors; 1 where there are none.
    pub(crate) fn product(factors: Vec<Self>) -> Self {
        product(factors)
    }

    /// The quotient of two expressions.
    pub(crate) fn ratio(num: Self, den: Self) -> Self {
        ratio(num, den)
    }
}

/// The sum of `body` over `nodes`, whose free occurrences in it become bound.
pub(crate) fn bind(nodes: &NodeSet, body: Expr) -> Expr {
    let copy = body.copies_max() + 1;
    let names: BTreeMap<Var, Var> = nodes
        .iter()
        .map(|node| (Var { node, copy: 0 }, Var { node, copy }))
        .collect();
    sum(names.values().copied().collect(), body.renamed(&names))
}

/// A product without nested products, and without factors that a quotient among them divides by.
fn product(factors: Vec<Expr>) -> Expr {
    let mut flat: Vec<Expr> = factors.into_iter().flat_map(Expr::into_factors).collect();
    while let Some((quotient, divisor, factor)) = cancelling(&flat) {
        if let Expr::Ratio { num, den } = &flat[quotient] {
            let mut below = den.as_ref().clone().into_factors();
            below.remove(divisor);
            flat[quotient] = ratio(num.as_ref().clone(), product(below));
        }
        flat.remove(factor);
        flat = flat.into_iter().flat_map(Expr::into_factors).collect();
    }
    if flat.len() == 1 {
        flat.remove(0)
    } else {
        Expr::Product(flat)
    }
}

/// A quotient, a part of its divisor and an equal factor beside it, by their positions.
fn cancelling(factors: &[Expr]) -> Option<(usize, usize, usize)> {
    factors.iter().enumerate().find_map(|(quotient, candidate)| {
        let Expr::Ratio { den, .. } = candidate else {
            return None;
        };
        let below: &[Expr] = match den.as_ref() {
            Expr::Product(parts) => parts,
            single => std::slice::from_ref(single),
        };
        below.iter().enumerate().find_map(|(divisor, part)| {
            let equal = |(i, other): (usize, &Expr)| i != quotient && same(other, part);
            let beside = factors.iter().enumerate().position(equal);
            beside.map(|factor| (quotient, divisor, factor))
        })
    })
}

/// A sum over bound variables.
fn sum(mut over: BTreeSet<Var>, body: Expr) -> Expr {
    let mut factors = body.into_factors();
    // Later nodes first: a node that nothing else depends on any more vanishes at once.
    while let Some(var) = over
        .iter()
        .rev()
        .copied()
        .find(|&var| vanishes(var, &mut factors))
    {
        over.remove(&var);
    }
    if over.is_empty() {
        return product(factors);
    }
    let (inside, mut outside): (Vec<Expr>, Vec<Expr>) = factors
        .into_iter()
        .partition(|f| over.iter().any(|&var| f.mentions(var)));
    let mut inner = product(inside);
    if let Expr::Sum { over: more, body } = inner {
        over.extend(more);
        inner = *body;
    }
    outside.push(Expr::Sum {
        over,
        body: Box::new(inner),
    });
    product(outside)
}

/// Sums a variable out of the factors where that leaves no sum; tells whether it did.
fn vanishes(var: Var, factors: &mut Vec<Expr>) -> bool {
    let holders: Vec<usize> = (0..factors.len()).filter(|&i| factors[i].mentions(var)).collect();
    match holders[..] {
        // sum_v P(v, a | g) = P(a | g).
        [i] => {
            let Expr::P { of, .. } = &mut factors[i] else {
                return false;
            };
            if !of.remove(&var) {
                return false;
            }
            if of.is_empty() {
                factors.remove(i);
            }
            true
        }
        // sum_v P(a | v, b, g) P(v, b | g) = P(a, b | g).
        [i, j] => {
            let joined = chained(&factors[i], &factors[j]).or_else(|| chained(&factors[j], &factors[i]));
            let Some((mut of, given)) = joined else {
                return false;
            };
            if !of.remove(&var) {
                return false;
            }
            factors.remove(j);
            factors[i] = Expr::P { of, given };
            true
        }
        _ => false,
    }
}

/// P(a | b, g) P(b | g) = P(a, b | g), as what is left and right of the bar.
fn chained(first: &Expr, second: &Expr) -> Option<(BTreeSet<Var>, BTreeSet<Var>)> {
    let (Expr::P { of: a, given: bg }, Expr::P { of: b, given: g }) = (first, second) else {
        return None;
    };
    let both: BTreeSet<Var> = b.union(g).copied().collect();
    (*bg == both && a.is_disjoint(&both)).then(|| (a.union(b).copied().collect(), g.clone()))
}

/// A quotient with what is common to both sides cancelled.
fn ratio(num: Expr, den: Expr) -> Expr {
    let mut above = num.into_factors();
    let mut below = Vec::new();
    for factor in den.into_factors() {
        match above.iter().position(|other| same(other, &factor)) {
            Some(i) => drop(above.remove(i)),
            None => below.push(factor),
        }
    }
    below.retain(|factor| {
        let quotient = above
            .iter()
            .enumerate()
            .find_map(|(i, other)| conditional(other, factor).map(|q| (i, q)));
        quotient.map(|(i, q)| above[i] = q).is_none()
    });
    if below.is_empty() {
        return product(above);
    }
    Expr::Ratio {
        num: Box::new(product(above)),
        den: Box::new(product(below)),
    }
}

/// P(a, b | g) / P(b | g) = P(a | b, g).
fn conditional(num: &Expr, den: &Expr) -> Option<Expr> {
    let (Expr::P { of: ab, given: g }, Expr::P { of: b, given: h }) = (num, den) else {
        return None;
    };
    if g != h || !b.is_subset(ab) || b == ab {
        return None;
    }
    Some(Expr::P {
        of: ab.difference(b).copied().collect(),
        given: g.union(b).copied().collect(),
    })
}

/// Whether two expressions are equal but for the numbering of bound copies.
fn same(a: &Expr, b: &Expr) -> bool {
    match (a, b) {
        (Expr::P { .. }, Expr::P { .. }) => a == b,
        (Expr::Product(a), Expr::Product(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Expr::Ratio { num: a, den: b }, Expr::Ratio { num: c, den: d }) => same(a, c) && same(b, d),
        (Expr::Sum { over: a, body }, Expr::Sum { over: b, body: other }) => {
            let nodes = |set: &BTreeSet<Var>| set.iter().map(|v| v.node).collect::<Vec<_>>();
            let distinct = nodes(a).windows(2).all(|pair| pair[0] != pair[1]);
            // With one copy of each node on either side, the renaming is told by the nodes.
            nodes(a) == nodes(b)
                && distinct
                && !b.iter().any(|v| !a.contains(v) && body.mentions(*v))
                && same(
                    body,
                    &other.renamed(&b.iter().copied().zip(a.iter().copied()).collect()),
                )
        }
        _ => false,
    }
}
