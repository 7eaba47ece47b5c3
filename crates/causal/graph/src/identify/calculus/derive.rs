//! A derivation for every identifiable query. It follows the complete algorithm: the effect falls into districts; each
//! is narrowed down from a district of the whole graph by turns of ancestral sets and districts within them; and every
//! equality on the way is one of the three rules or a law of probability.

use super::build::{Builder, Nodes, Scope, Stuck, term};
use super::{Derivation, Formula, Rule};
use crate::graph::{Graph, NodeId, NodeSet};
use crate::identify::budget::Budget;
use crate::identify::problem::{self, Problem};
use crate::identify::strategy::identify_within;
use crate::identify::{IdentifyError, Query, Strategy, Witness};

/// There is no derivation, or none was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeriveError {
    /// The query does not fit the graph.
    #[error(transparent)]
    Query(#[from] IdentifyError),
    /// There is none: the effect is not identifiable.
    #[error("not identifiable: {0}")]
    NotIdentifiable(Witness),
    /// The budget was spent before it was found.
    #[error("the derivation needs more than {steps_max} steps of search")]
    Spent {
        /// The query's budget.
        steps_max: u64,
        /// The steps that were found, which [`Derivation::verify_steps`] checks; what they lead to still acts. `None`
        /// where it could not even be told whether there is a derivation.
        so_far: Option<Box<Derivation>>,
    },
}

/// Derives P(outcomes | do(treatments), given) from the observed distribution by do-calculus.
///
/// # Errors
/// A query that does not fit the graph, an effect that is not identifiable, or a spent budget.
///
/// ```
/// use ceteris_graph::{Graph, identify::{Query, calculus}};
/// let graph = Graph::parse("Z -> X -> Y; Z -> Y")?;
/// let proof = calculus::derive(&graph, &Query::new("X", "Y"))?;
/// proof.verify(&graph)?;
/// assert_eq!(proof.result.text(), "sum_{Z} P(Z) P(Y | Z, X)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn derive(graph: &Graph, query: &Query) -> Result<Derivation, DeriveError> {
    // One budget for both: what tells that there is a derivation and what finds it.
    let mut budget = Budget::new(query.steps_max);
    let answer = identify_within(graph, &query.clone().by(Strategy::Id).brief(), &mut budget)?;
    let spent = |so_far: Option<Derivation>| DeriveError::Spent {
        steps_max: query.steps_max,
        so_far: so_far.map(Box::new),
    };
    match (answer.identifiable, answer.witness) {
        (Some(true), _) => {}
        (_, Some(witness)) => return Err(DeriveError::NotIdentifiable(witness)),
        _ => return Err(spent(None)),
    }
    let Ok(projected) = budget.project(graph, &problem::unseen(graph, query)) else {
        return Err(spent(None));
    };
    let problem = Problem::new(&projected, query);
    let asked = Nodes {
        of: problem.y.clone(),
        actions: problem.x.clone(),
        given: problem.given.clone(),
    };
    let mut proof = Proof {
        builder: Builder::new(&projected, &asked, &mut budget),
        order: projected.view().topological_order(),
        above: NodeSet::new(),
    };
    match proof.query(asked) {
        Ok(()) => Ok(proof.builder.finished()),
        Err(Stuck::Spent | Stuck::Term) => Err(spent(Some(proof.builder.finished()))),
    }
}

struct Proof<'a> {
    builder: Builder<'a>,
    order: Vec<NodeId>,
    /// The ancestors of what is asked about.
    above: NodeSet,
}

/// The districts and ancestral sets that narrow a district of the whole graph down to one of the effect's.
struct Ladder {
    /// `districts[0]` is of the whole graph; each later one is a district of the ancestral set before it.
    districts: Vec<NodeSet>,
    ancestral: Vec<NodeSet>,
}

impl Proof<'_> {
    fn graph(&self) -> &Graph {
        self.builder.graph
    }

    /// The nodes of a set up to one in causal order, that one included or not.
    fn upto(&self, set: &NodeSet, last: NodeId, inclusive: bool) -> NodeSet {
        let until = self.order.iter().take_while(|&&v| v != last).copied();
        let mut found: NodeSet = until.filter(|&v| set.contains(v)).collect();
        if inclusive && set.contains(last) {
            found.insert(last);
        }
        found
    }

    fn ordered(&self, set: &NodeSet) -> Vec<NodeId> {
        self.order.iter().copied().filter(|&v| set.contains(v)).collect()
    }

    /// Conditions that behave like actions become such (rule 2); what then remains is a quotient of joint effects.
    fn query(&mut self, mut now: Nodes) -> Result<(), Stuck> {
        let scope = Scope::new();
        'exchange: loop {
            for v in now.given.clone().iter() {
                let one = NodeSet::one(v);
                let next = Nodes {
                    of: now.of.clone(),
                    actions: now.actions.union(&one),
                    given: now.given.difference(&one),
                };
                match self.builder.transform(&[], &now, &next, &scope) {
                    Ok(()) => now = next,
                    Err(Stuck::Term) => continue,
                    Err(Stuck::Spent) => return Err(Stuck::Spent),
                }
                continue 'exchange;
            }
            break;
        }
        if now.given.is_empty() {
            return self.joint(Vec::new(), &now);
        }
        let den = Nodes {
            of: now.given.clone(),
            actions: now.actions.clone(),
            given: NodeSet::new(),
        };
        let num = Nodes {
            of: now.of.union(&now.given),
            ..den.clone()
        };
        self.quotient(&[], &num, &den, &scope)?;
        self.joint(vec![0], &num)?;
        self.joint(vec![1], &den)
    }

    fn quotient(&mut self, at: &[usize], num: &Nodes, den: &Nodes, scope: &Scope) -> Result<(), Stuck> {
        let to = Formula::Ratio {
            num: Box::new(term(self.graph(), num, scope)),
            den: Box::new(term(self.graph(), den, scope)),
        };
        self.builder.rewrite(
            at,
            Rule::Conditional,
            to,
            "definition of a conditional probability".to_owned(),
        )
    }

    /// P(y | do(x)): its districts, each from the whole graph.
    fn joint(&mut self, mut at: Vec<usize>, asked: &Nodes) -> Result<(), Stuck> {
        let mut scope = Scope::new();
        self.above = self.graph().view().ancestors(&asked.of);
        let under_do = self.graph().view().without_into(&asked.actions);
        let acting = asked.actions.intersection(&under_do.ancestors(&asked.of));
        let mut now = Nodes {
            actions: acting.clone(),
            ..asked.clone()
        };
        self.builder.transform(&at, asked, &now, &scope)?;
        let relevant = self.graph().view().without(&asked.actions).ancestors(&asked.of);
        if relevant != now.of {
            scope = self
                .builder
                .marginal(&at, &now, &relevant.difference(&now.of), &scope)?;
            at.push(0);
            now.of = relevant.clone();
        }
        let districts = self.graph().view().within(&relevant).districts();
        self.chained(&at, &now, &districts, &scope)?;
        for (i, inner) in districts.iter().enumerate() {
            let mut place = at.clone();
            if districts.len() > 1 {
                place.push(i);
            }
            self.district(place, &now, inner, &scope)?;
        }
        Ok(())
    }

    /// A joint term as a product over its nodes, grouped.
    fn chained(
        &mut self,
        at: &[usize],
        joint: &Nodes,
        groups: &[NodeSet],
        scope: &Scope,
    ) -> Result<(), Stuck> {
        if joint.of.len() == 1 {
            return Ok(());
        }
        let factor = |v: NodeId| {
            let nodes = Nodes {
                of: NodeSet::one(v),
                actions: joint.actions.clone(),
                given: self.upto(&joint.of, v, false),
            };
            term(self.graph(), &nodes, scope)
        };
        let grouped = |group: &NodeSet| {
            let mut factors: Vec<Formula> = self.ordered(group).into_iter().map(factor).collect();
            if factors.len() == 1 {
                factors.remove(0)
            } else {
                Formula::Product(factors)
            }
        };
        let mut parts: Vec<Formula> = groups.iter().map(grouped).collect();
        let to = if parts.len() == 1 {
            parts.remove(0)
        } else {
            Formula::Product(parts)
        };
        self.builder.rewrite(at, Rule::Chain, to, "chain rule".to_owned())
    }

    /// The factors of one district of the effect, which stand at `at`.
    fn district(
        &mut self,
        at: Vec<usize>,
        joint: &Nodes,
        inner: &NodeSet,
        scope: &Scope,
    ) -> Result<(), Stuck> {
        let ladder = self.ladder(inner);
        let level = ladder.districts.len() - 1;
        let actions = self.outside(&ladder.districts[level]);
        let members = self.ordered(inner);
        let place = |i: usize| -> Vec<usize> {
            let mut place = at.clone();
            if members.len() > 1 {
                place.push(i);
            }
            place
        };
        for (i, &v) in members.iter().enumerate() {
            let now = Nodes {
                of: NodeSet::one(v),
                actions: joint.actions.clone(),
                given: self.upto(&joint.of, v, false),
            };
            let goal = Nodes {
                of: now.of.clone(),
                actions: actions.clone(),
                given: self.upto(inner, v, false),
            };
            if ladder.districts[level] == *inner {
                if level == 0 && self.observed(&place(i), &now, scope).is_ok() {
                    continue;
                }
                self.builder.transform(&place(i), &now, &goal, scope)?;
                self.solve(place(i), v, level, &ladder, scope)?;
            } else {
                self.builder.transform(&place(i), &now, &goal, scope)?;
            }
        }
        if ladder.districts[level] == *inner {
            return Ok(());
        }
        let whole = Nodes {
            of: inner.clone(),
            actions,
            given: NodeSet::new(),
        };
        if members.len() > 1 {
            let to = term(self.graph(), &whole, scope);
            self.builder
                .rewrite(&at, Rule::Chain, to, "chain rule".to_owned())?;
        }
        self.expand(at, inner, level, &ladder, scope)
    }

    /// P(set | do(the parents of the level's district)) for an ancestral subset of that district.
    fn expand(
        &mut self,
        mut at: Vec<usize>,
        set: &NodeSet,
        level: usize,
        ladder: &Ladder,
        scope: &Scope,
    ) -> Result<(), Stuck> {
        let district = &ladder.districts[level];
        let Some(&last) = self.ordered(set).last() else {
            return Err(Stuck::Term);
        };
        let wide = self.upto(district, last, true);
        let mut now = Nodes {
            of: set.clone(),
            actions: self.outside(district),
            given: NodeSet::new(),
        };
        let mut scope = scope.clone();
        if wide != *set {
            scope = self.builder.marginal(&at, &now, &wide.difference(set), &scope)?;
            at.push(0);
            now.of = wide.clone();
        }
        self.chained(&at, &now, std::slice::from_ref(&wide), &scope)?;
        for (i, v) in self.ordered(&wide).into_iter().enumerate() {
            let mut place = at.clone();
            if wide.len() > 1 {
                place.push(i);
            }
            self.solve(place, v, level, ladder, &scope)?;
        }
        Ok(())
    }

    /// P(v | the district's nodes before it, do(the district's parents)), without actions.
    fn solve(
        &mut self,
        at: Vec<usize>,
        v: NodeId,
        level: usize,
        ladder: &Ladder,
        scope: &Scope,
    ) -> Result<(), Stuck> {
        let district = &ladder.districts[level];
        let now = Nodes {
            of: NodeSet::one(v),
            actions: self.outside(district),
            given: self.upto(district, v, false),
        };
        if level == 0 {
            return self.observed(&at, &now, scope);
        }
        let (wider, ancestral) = (&ladder.districts[level - 1], &ladder.ancestral[level - 1]);
        let before = self.upto(ancestral, v, false);
        let goal = Nodes {
            of: now.of.clone(),
            actions: self.outside(wider),
            given: before.clone(),
        };
        self.builder.transform(&at, &now, &goal, scope)?;
        if before.is_empty() {
            return self.expand(at, &now.of, level - 1, ladder, scope);
        }
        let den = Nodes {
            of: before.clone(),
            actions: goal.actions.clone(),
            given: NodeSet::new(),
        };
        let upto = before.union(&now.of);
        let num = Nodes {
            of: upto.clone(),
            ..den.clone()
        };
        self.quotient(&at, &num, &den, scope)?;
        self.expand([at.clone(), vec![0]].concat(), &upto, level - 1, ladder, scope)?;
        self.expand([at, vec![1]].concat(), &before, level - 1, ladder, scope)
    }

    /// A factor of a district of the whole graph is observed: given its Markov pillow, or all before it.
    fn observed(&mut self, at: &[usize], now: &Nodes, scope: &Scope) -> Result<(), Stuck> {
        let Some(v) = now.of.smallest() else {
            return Err(Stuck::Term);
        };
        let before = self.upto(&self.above, v, true);
        let known = self.graph().view().within(&before);
        let near = known.district(v);
        let pillow = near.union(&known.parents_of(&near)).difference(&now.of);
        for given in [pillow, before.difference(&now.of)] {
            let goal = Nodes {
                of: now.of.clone(),
                actions: NodeSet::new(),
                given,
            };
            match self.builder.transform(at, now, &goal, scope) {
                Err(Stuck::Term) => {}
                other => return other,
            }
        }
        Err(Stuck::Term)
    }

    fn outside(&self, district: &NodeSet) -> NodeSet {
        self.graph().view().parents_of(district).difference(district)
    }

    fn ladder(&self, inner: &NodeSet) -> Ladder {
        let view = self.graph().view().within(&self.above);
        let district_in = |nodes: &NodeSet| {
            inner
                .smallest()
                .map(|v| view.clone().within(nodes).district(v))
                .unwrap_or_default()
        };
        let mut ladder = Ladder {
            districts: vec![district_in(&self.above)],
            ancestral: Vec::new(),
        };
        loop {
            let last = &ladder.districts[ladder.districts.len() - 1];
            let ancestral = view.clone().within(last).ancestors(inner);
            if ancestral == *inner || ancestral == *last {
                // An identified effect never ends with an ancestral set that is its whole district.
                return ladder;
            }
            let narrower = district_in(&ancestral);
            ladder.ancestral.push(ancestral);
            ladder.districts.push(narrower);
        }
    }
}
