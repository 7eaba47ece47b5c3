//! A derivation in the making: a formula, the steps that led to it, and names for its bound variables.

use super::rules::Move;
use super::{Derivation, Formula, Rule, Step};
use crate::graph::{Graph, NodeId, NodeSet};
use crate::identify::budget::{Budget, Spent};
use std::collections::BTreeMap;

/// The names that nodes have at one place of the formula; a node not in it has its own.
pub(super) type Scope = BTreeMap<NodeId, String>;

/// Why a derivation is not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stuck {
    /// No order of rules leads from one term to the other.
    Term,
    /// The budget is spent.
    Spent,
}

impl From<Spent> for Stuck {
    fn from(_: Spent) -> Self {
        Self::Spent
    }
}

/// A term by its nodes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Nodes {
    pub(super) of: NodeSet,
    pub(super) actions: NodeSet,
    pub(super) given: NodeSet,
}

pub(super) struct Builder<'a> {
    pub(super) graph: &'a Graph,
    pub(super) budget: &'a mut Budget,
    query: Formula,
    formula: Formula,
    steps: Vec<Step>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(graph: &'a Graph, query: &Nodes, budget: &'a mut Budget) -> Self {
        let formula = term(graph, query, &Scope::new());
        Self {
            graph,
            budget,
            query: formula.clone(),
            formula,
            steps: Vec::new(),
        }
    }

    pub(super) fn finished(self) -> Derivation {
        Derivation {
            query: self.query,
            steps: self.steps,
            result: self.formula,
        }
    }

    /// Writes one step.
    pub(super) fn rewrite(
        &mut self,
        at: &[usize],
        rule: Rule,
        to: Formula,
        because: String,
    ) -> Result<(), Stuck> {
        self.budget.spend(self.formula.size() + to.size())?;
        let from = self.formula.part(at).cloned().ok_or(Stuck::Term)?;
        self.formula = self.formula.replaced(at, &to).ok_or(Stuck::Term)?;
        self.steps.push(Step {
            at: at.to_vec(),
            rule,
            from,
            to,
            because,
        });
        Ok(())
    }

    /// Sums over more nodes; the scope inside.
    pub(super) fn marginal(
        &mut self,
        at: &[usize],
        now: &Nodes,
        over: &NodeSet,
        scope: &Scope,
    ) -> Result<Scope, Stuck> {
        let mut taken = Vec::new();
        self.formula.names(&mut taken);
        let mut inside = scope.clone();
        let mut bound = Vec::new();
        for v in over.iter() {
            let mut name = self.graph.node(v).name.clone();
            while taken.contains(&name) {
                name.push('\'');
            }
            bound.push(name.clone());
            inside.insert(v, name);
        }
        let wider = Nodes {
            of: now.of.union(over),
            ..now.clone()
        };
        let because = format!("sum over {}", bound.join(", "));
        let body = Box::new(term(self.graph, &wider, &inside));
        self.rewrite(at, Rule::Marginal, Formula::Sum { over: bound, body }, because)?;
        Ok(inside)
    }

    /// Leads from one term to another with the same left side, by the three rules in whatever order works.
    pub(super) fn transform(
        &mut self,
        at: &[usize],
        now: &Nodes,
        goal: &Nodes,
        scope: &Scope,
    ) -> Result<(), Stuck> {
        let kinds: Vec<usize> = (0..6)
            .filter(|&kind| !moved(now, goal, kind).is_empty())
            .collect();
        let mut order = Vec::new();
        if !self.search(now, goal, kinds, &mut order)? {
            return Err(Stuck::Term);
        }
        let mut term_now = now.clone();
        for kind in order {
            let moved = moved(&term_now, goal, kind);
            let next = after(&term_now, &moved, kind);
            let change = Move {
                rule: rule(kind),
                y: &now.of,
                actions: &term_now.actions.intersection(&next.actions),
                given: &term_now.given.intersection(&next.given),
                moved: &moved,
            };
            let because = change.because(self.graph);
            self.rewrite(at, rule(kind), term(self.graph, &next, scope), because)?;
            term_now = next;
        }
        Ok(())
    }

    /// Finds an order of the kinds of moves in which each holds.
    fn search(
        &mut self,
        now: &Nodes,
        goal: &Nodes,
        left: Vec<usize>,
        order: &mut Vec<usize>,
    ) -> Result<bool, Stuck> {
        if left.is_empty() {
            return Ok(true);
        }
        for &kind in &left {
            self.budget
                .spend(2 * (self.graph.len() + self.graph.edge_count()))?;
            let moved = moved(now, goal, kind);
            let next = after(now, &moved, kind);
            let change = Move {
                rule: rule(kind),
                y: &now.of,
                actions: &now.actions.intersection(&next.actions),
                given: &now.given.intersection(&next.given),
                moved: &moved,
            };
            if change.holds(self.graph) {
                order.push(kind);
                let rest = left.iter().copied().filter(|&other| other != kind).collect();
                if self.search(&next, goal, rest, order)? {
                    return Ok(true);
                }
                order.pop();
            }
        }
        Ok(false)
    }
}

/// What a kind of move moves between two terms: 0 actions to observations, 1 observations to actions, 2 actions
/// deleted, 3 actions inserted, 4 observations deleted, 5 observations inserted.
fn moved(now: &Nodes, goal: &Nodes, kind: usize) -> NodeSet {
    let before = now.actions.union(&now.given);
    let after = goal.actions.union(&goal.given);
    match kind {
        0 => now.actions.intersection(&goal.given),
        1 => now.given.intersection(&goal.actions),
        2 => now.actions.difference(&after),
        3 => goal.actions.difference(&before),
        4 => now.given.difference(&after),
        _ => goal.given.difference(&before),
    }
}

fn after(now: &Nodes, moved: &NodeSet, kind: usize) -> Nodes {
    let (mut actions, mut given) = (now.actions.clone(), now.given.clone());
    match kind {
        0 => (actions, given) = (actions.difference(moved), given.union(moved)),
        1 => (actions, given) = (actions.union(moved), given.difference(moved)),
        2 => actions = actions.difference(moved),
        3 => actions = actions.union(moved),
        4 => given = given.difference(moved),
        _ => given = given.union(moved),
    }
    Nodes {
        of: now.of.clone(),
        actions,
        given,
    }
}

fn rule(kind: usize) -> Rule {
    match kind {
        0 | 1 => Rule::Exchange,
        2 | 3 => Rule::Actions,
        _ => Rule::Observations,
    }
}

/// A term with the names its nodes have at a place.
pub(super) fn term(graph: &Graph, nodes: &Nodes, scope: &Scope) -> Formula {
    let names = |set: &NodeSet| -> Vec<String> {
        set.iter()
            .map(|v| scope.get(&v).unwrap_or(&graph.node(v).name).clone())
            .collect()
    };
    Formula::P {
        of: names(&nodes.of),
        actions: names(&nodes.actions),
        given: names(&nodes.given),
    }
}
