//! Checking a derivation again, step by step, on nothing but the graph.

use super::rules::Move;
use super::{Derivation, Formula, Rule, Step};
use crate::graph::{Graph, NodeSet};
use crate::identify::expression::base;
use std::collections::BTreeSet;

/// A derivation that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A step that its rule does not license.
    #[error("step {step}: {problem}")]
    Step {
        /// Counted from 1.
        step: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// The steps do not lead to the result, or the result still acts.
    #[error("{0}")]
    Result(String),
}

impl Derivation {
    /// Checks every step against the graph: that it stands where it says, and that its rule licenses it. Latent nodes
    /// are projected away first.
    ///
    /// # Errors
    /// The first step that does not hold, or a result that is not what the steps lead to.
    pub fn verify(&self, graph: &Graph) -> Result<(), VerifyError> {
        self.verify_steps(graph)?;
        if self.result.estimand().is_none() {
            return Err(VerifyError::Result(format!("{} still acts", self.result.text())));
        }
        Ok(())
    }

    /// Checks every step, and no more: what they lead to may still act, as in a derivation that is not finished.
    ///
    /// # Errors
    /// The first step that does not hold, or a result that is not what the steps lead to.
    pub fn verify_steps(&self, graph: &Graph) -> Result<(), VerifyError> {
        let graph = graph.project();
        let mut formula = self.query.clone();
        for (i, step) in self.steps.iter().enumerate() {
            let wrong = |problem: String| VerifyError::Step { step: i + 1, problem };
            if formula.part(&step.at) != Some(&step.from) {
                return Err(wrong(format!(
                    "{} does not stand at {:?}",
                    step.from.text(),
                    step.at
                )));
            }
            licensed(&graph, step).map_err(&wrong)?;
            formula = formula
                .replaced(&step.at, &step.to)
                .ok_or_else(|| wrong(format!("there is no place {:?}", step.at)))?;
        }
        if formula != self.result {
            let problem = format!(
                "the steps lead to {}, not to {}",
                formula.text(),
                self.result.text()
            );
            return Err(VerifyError::Result(problem));
        }
        Ok(())
    }
}

/// A term's three parts as sets of names.
struct Term<'a> {
    of: BTreeSet<&'a str>,
    actions: BTreeSet<&'a str>,
    given: BTreeSet<&'a str>,
}

impl<'a> Term<'a> {
    /// The term, if it is one in which no node occurs twice.
    fn of(formula: &'a Formula) -> Result<Self, String> {
        let Formula::P { of, actions, given } = formula else {
            return Err(format!("{} is no probability", formula.text()));
        };
        let set = |names: &'a [String]| names.iter().map(String::as_str).collect::<BTreeSet<_>>();
        let nodes: BTreeSet<&str> = of
            .iter()
            .chain(actions)
            .chain(given)
            .map(|name| base(name))
            .collect();
        if nodes.len() < of.len() + actions.len() + given.len() {
            return Err(format!("{} names a node twice", formula.text()));
        }
        Ok(Self {
            of: set(of),
            actions: set(actions),
            given: set(given),
        })
    }
}

fn licensed(graph: &Graph, step: &Step) -> Result<(), String> {
    match step.rule {
        Rule::Observations | Rule::Exchange | Rule::Actions => moved(graph, step),
        Rule::Marginal => marginal(step),
        Rule::Chain => match (&step.from, &step.to) {
            (Formula::P { .. }, Formula::Product(_)) => chain(&step.from, &step.to),
            _ => chain(&step.to, &step.from),
        },
        Rule::Conditional => conditional(step),
    }
}

fn nodes(graph: &Graph, names: &BTreeSet<&str>) -> Result<NodeSet, String> {
    let id = |name: &&str| {
        graph
            .id(base(name))
            .ok_or_else(|| format!("{name} is not a node of the graph"))
    };
    names.iter().map(id).collect()
}

fn moved(graph: &Graph, step: &Step) -> Result<(), String> {
    let (from, to) = (Term::of(&step.from)?, Term::of(&step.to)?);
    let changed = |a: &BTreeSet<&str>, b: &BTreeSet<&str>| a.symmetric_difference(b).count();
    let (actions, given) = (
        changed(&from.actions, &to.actions),
        changed(&from.given, &to.given),
    );
    let all = |term: &Term| {
        term.actions
            .union(&term.given)
            .copied()
            .map(str::to_owned)
            .collect::<BTreeSet<_>>()
    };
    let fits = match step.rule {
        Rule::Observations => actions == 0,
        Rule::Actions => given == 0,
        _ => actions == given && all(&from) == all(&to),
    };
    // Insertions and deletions are two steps, for each has a condition of its own.
    let (a, b) = match step.rule {
        Rule::Observations => (&from.given, &to.given),
        _ => (&from.actions, &to.actions),
    };
    if from.of != to.of || !fits || !(a.is_subset(b) || b.is_subset(a)) {
        return Err(format!(
            "{} does not become {} by this rule",
            step.from.text(),
            step.to.text()
        ));
    }
    let both = |a: &BTreeSet<&str>, b: &BTreeSet<&str>| -> Result<NodeSet, String> {
        Ok(nodes(graph, a)?.intersection(&nodes(graph, b)?))
    };
    let change = Move {
        rule: step.rule,
        y: &nodes(graph, &from.of)?,
        actions: &both(&from.actions, &to.actions)?,
        given: &both(&from.given, &to.given)?,
        moved: &nodes(graph, &a.symmetric_difference(b).copied().collect())?,
    };
    if change.holds(graph) {
        Ok(())
    } else {
        Err(format!("it is not so that {}", change.because(graph)))
    }
}

fn marginal(step: &Step) -> Result<(), String> {
    let from = Term::of(&step.from)?;
    let refused = || format!("{} is not {} summed", step.to.text(), step.from.text());
    let Formula::Sum { over, body } = &step.to else {
        return Err(refused());
    };
    let to = Term::of(body)?;
    let bound: BTreeSet<&str> = over.iter().map(String::as_str).collect();
    let grown: BTreeSet<&str> = from.of.union(&bound).copied().collect();
    // Term::of has seen to it that the bound variables are of other nodes than the rest.
    if bound.is_disjoint(&from.of) && to.of == grown && to.actions == from.actions && to.given == from.given {
        Ok(())
    } else {
        Err(refused())
    }
}

/// Whether a joint probability is the product, each factor given what the factors before it are of.
fn chain(joint: &Formula, product: &Formula) -> Result<(), String> {
    let whole = Term::of(joint)?;
    let mut factors = Vec::new();
    flatten(product, &mut factors)?;
    factors.sort_by_key(|factor: &Term| factor.given.len());
    let mut before = whole.given.clone();
    for factor in &factors {
        if factor.actions != whole.actions || factor.given != before || !factor.of.is_disjoint(&before) {
            return Err(format!("{} is not {}", product.text(), joint.text()));
        }
        before.extend(&factor.of);
    }
    if before == whole.of.union(&whole.given).copied().collect() {
        Ok(())
    } else {
        Err(format!("{} is not {}", product.text(), joint.text()))
    }
}

fn flatten<'a>(formula: &'a Formula, found: &mut Vec<Term<'a>>) -> Result<(), String> {
    match formula {
        Formula::Product(parts) => parts.iter().try_for_each(|part| flatten(part, found)),
        other => {
            found.push(Term::of(other)?);
            Ok(())
        }
    }
}

fn conditional(step: &Step) -> Result<(), String> {
    let refused = || format!("{} is not {}", step.to.text(), step.from.text());
    let Formula::Ratio { num, den } = &step.to else {
        return Err(refused());
    };
    let (from, num, den) = (Term::of(&step.from)?, Term::of(num)?, Term::of(den)?);
    let both: BTreeSet<&str> = from.of.union(&den.of).copied().collect();
    let rest: BTreeSet<&str> = from.given.difference(&den.of).copied().collect();
    let fits = den.of.is_subset(&from.given)
        && num.of == both
        && [&num, &den]
            .iter()
            .all(|term| term.actions == from.actions && term.given == rest);
    if fits { Ok(()) } else { Err(refused()) }
}
