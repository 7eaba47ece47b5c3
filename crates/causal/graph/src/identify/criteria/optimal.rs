//! The asymptotically optimal adjustment set O: of all adjustment sets the one with the smallest asymptotic variance.
//! With latent nodes it need not exist; Runge (NeurIPS 2021, theorem 3) says exactly when it does. Without latent
//! nodes O is that of Henckel, Perković & Maathuis (2022), also for sets of treatments and outcomes.

use super::adjustment::{is_adjustment_set, never_adjusted, proper_backdoor, proper_causal_nodes};
use super::separators::Separation;
use crate::graph::{Graph, NodeId, NodeSet};
use crate::identify::budget::{Budget, Spent};
use crate::identify::expression::listed;

/// O among the sets that hold `required` and else only nodes of `usable`, or why there is none to name.
///
/// What may not be used is projected away like what cannot be seen: the sets left are the same.
pub(crate) fn optimal_set(
    graph: &Graph,
    x: &NodeSet,
    y: &NodeSet,
    required: &NodeSet,
    usable: &NodeSet,
    budget: &mut Budget,
) -> Result<NodeSet, String> {
    if proper_causal_nodes(graph, x, y).is_empty() {
        return Err(
            "the treatment has no directed path to the outcome, so there is nothing to estimate".to_owned(),
        );
    }
    let kept = x.union(y).union(usable).union(required);
    let spent = "the search for the best set ran out of budget";
    let Ok(projected) = budget.project(graph, &graph.all().difference(&kept)) else {
        return Err(spent.to_owned());
    };
    let there =
        |set: &NodeSet| -> NodeSet { graph.names(set).iter().filter_map(|n| projected.id(n)).collect() };
    let back =
        |set: &NodeSet| -> NodeSet { projected.names(set).iter().filter_map(|n| graph.id(n)).collect() };
    let (x, y, required) = (there(x), there(y), there(required));
    let search = Search {
        graph: &projected,
        causal: proper_causal_nodes(&projected, &x, &y),
        never: never_adjusted(&projected, &x, &y),
        x,
        y,
    };
    match search.best(&required, budget) {
        Ok(found) => found.map(|best| back(&best)),
        Err(Spent) => Err(spent.to_owned()),
    }
}

/// The parts of O: parents of the causal nodes; nodes on collider paths to them; the parents of these.
struct Parts {
    parents: NodeSet,
    colliders: NodeSet,
    all: NodeSet,
}

struct Search<'g> {
    graph: &'g Graph,
    x: NodeSet,
    y: NodeSet,
    /// The nodes on proper causal paths, the outcome included.
    causal: NodeSet,
    never: NodeSet,
}

impl Search<'_> {
    fn best(&self, required: &NodeSet, budget: &mut Budget) -> Result<Result<NodeSet, String>, Spent> {
        let Some(parts) = self.parts(required, budget)? else {
            return Ok(Err("there is no adjustment set".to_owned()));
        };
        let best = parts.all.union(required);
        let confounded = parts.colliders.union(&self.rivals(&parts, required));
        if self.x.len() > 1 || self.y.len() > 1 {
            // The theorem is for one treatment and one outcome; without latent causes O is best for any number.
            return Ok(if confounded.is_empty() {
                Ok(best)
            } else {
                let names = listed(&self.graph.names(&confounded));
                Err(format!(
                    "latent causes join the outcome's causes to {names}, and there are several ends"
                ))
            });
        }
        let rival = self.rival_path(&parts, required, budget)?;
        let idle = self.idle_collider(&parts, required, budget)?;
        if (rival.is_none() && idle.is_none()) || self.only(&best, required, budget)? {
            return Ok(Ok(best));
        }
        let reason = match (rival, idle) {
            (Some(path), _) => format!(
                "whether conditioning on {} helps depends on the model",
                listed(&self.graph.names(&path))
            ),
            (_, Some(v)) => format!(
                "whether {} helps or harms depends on the model",
                self.graph.node(v).name
            ),
            _ => String::new(),
        };
        Ok(Err(format!(
            "latent causes leave no set that is best in every model: {reason}"
        )))
    }

    /// O given `s`, or `None` where it is no adjustment set (then there is none).
    fn parts(&self, s: &NodeSet, budget: &mut Budget) -> Result<Option<Parts>, Spent> {
        let (graph, view) = (self.graph, self.graph.view());
        let pass = graph.len() + graph.edge_count();
        budget.spend(4 * pass)?;
        let parents = view.parents_of(&self.causal).difference(&self.never);
        let before = self.before(s);
        let known = parents.union(&before).union(s);
        let mut colliders = NodeSet::new();
        let mut waiting: Vec<NodeId> = self.causal.iter().collect();
        while let Some(v) = waiting.pop() {
            for spouse in view.siblings(v) {
                if self.x.contains(spouse) {
                    return Ok(None);
                }
                if colliders.contains(spouse) || self.never.contains(spouse) {
                    continue;
                }
                let closes = before.contains(spouse) || {
                    budget.spend(pass)?;
                    view.m_separated(&self.x, &NodeSet::one(spouse), &known)
                };
                if closes {
                    colliders.insert(spouse);
                    waiting.push(spouse);
                }
            }
        }
        let all = parents.union(&colliders).union(&view.parents_of(&colliders));
        budget.spend(2 * pass)?;
        let valid = is_adjustment_set(graph, &self.x, &self.y, &all.union(s));
        Ok(valid.then_some(Parts {
            parents,
            colliders,
            all,
        }))
    }

    /// The ancestors of both ends and `s` that may be conditioned on.
    fn before(&self, s: &NodeSet) -> NodeSet {
        let ends = self.x.union(&self.y).union(s);
        self.graph.view().ancestors(&ends).difference(&self.never)
    }

    /// Nodes outside O with a latent cause in common with the causal nodes or O's colliders.
    fn rivals(&self, parts: &Parts, s: &NodeSet) -> NodeSet {
        let view = self.graph.view();
        let core = self.causal.union(&parts.colliders);
        let near: NodeSet = core.iter().flat_map(|v| view.siblings(v)).collect();
        near.difference(&self.never).difference(&parts.all).difference(s)
    }

    /// Condition I fails by a collider path from a rival to a causal node, inside O, whose nodes can be conditioned on
    /// without opening what cannot be closed.
    fn rival_path(&self, parts: &Parts, s: &NodeSet, budget: &mut Budget) -> Result<Option<NodeSet>, Spent> {
        let view = self.graph.view();
        let inside = parts.all.union(s);
        let mut waiting: Vec<(NodeId, NodeSet)> = self
            .rivals(parts, s)
            .iter()
            .map(|v| (v, NodeSet::one(v)))
            .collect();
        while let Some((at, path)) = waiting.pop() {
            let siblings: NodeSet = view.siblings(at).collect();
            budget.spend(1 + siblings.len())?;
            if !siblings.is_disjoint(&self.causal) && self.parts(&s.union(&path), budget)?.is_some() {
                return Ok(Some(path));
            }
            for next in siblings.intersection(&inside).difference(&path).iter() {
                waiting.push((next, path.union(&NodeSet::one(next))));
            }
        }
        Ok(None)
    }

    /// Condition II fails by a node of O that is no parent of a causal node, tells of the treatment, and has no
    /// collider path of ancestors inside O to a causal node.
    fn idle_collider(
        &self,
        parts: &Parts,
        s: &NodeSet,
        budget: &mut Budget,
    ) -> Result<Option<NodeId>, Spent> {
        let view = self.graph.view();
        let inside = parts.all.union(s);
        let passable = inside.intersection(&self.before(s));
        for e in parts.all.difference(&parts.parents).iter() {
            let one = NodeSet::one(e);
            budget.spend(2 * (self.graph.len() + self.graph.edge_count()))?;
            if view.m_separated(&self.x, &one, &inside.difference(&one)) {
                continue;
            }
            let mut seen: NodeSet = view.siblings(e).chain(view.children(e)).collect();
            let mut waiting: Vec<NodeId> = seen.intersection(&passable).iter().collect();
            while let Some(v) = waiting.pop() {
                for w in view.siblings(v) {
                    if seen.insert(w) && passable.contains(w) {
                        waiting.push(w);
                    }
                }
            }
            if seen.is_disjoint(&self.causal) {
                return Ok(Some(e));
            }
        }
        Ok(None)
    }

    /// Whether `best` is the only adjustment set there is.
    fn only(&self, best: &NodeSet, required: &NodeSet, budget: &mut Budget) -> Result<bool, Spent> {
        let free = self.graph.all().difference(&self.never);
        let mut another = |include: &NodeSet, allowed: &NodeSet| -> Result<bool, Spent> {
            let separation = Separation {
                view: proper_backdoor(self.graph, &self.x, &self.y),
                x: &self.x,
                y: &self.y,
                include,
                allowed,
            };
            Ok(separation.any(budget)?.is_some())
        };
        for v in free.difference(required).iter() {
            let one = NodeSet::one(v);
            let found = if best.contains(v) {
                another(required, &free.difference(&one))?
            } else {
                another(&required.union(&one), &free)?
            };
            if found {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
