//! What the graph says of itself: no cycles, and roles that its edges do not contradict.

use std::collections::{BTreeMap, BTreeSet};

use crate::problem::fault::Faults;
use crate::problem::read::Edge;
use crate::problem::{GraphSpec, NodeRole};

/// More cycles than this say nothing new.
const CYCLES_TOLD_MAX: usize = 10;

pub(super) fn check(graph: &GraphSpec, edges: &[Edge], faults: &mut Faults) {
    if !cycles(graph, edges, faults) {
        roles(graph, edges, faults);
    }
}

/// Tells of cycles, each at its last edge in file order; that edge is then ignored to find the next.
fn cycles(graph: &GraphSpec, edges: &[Edge], faults: &mut Faults) -> bool {
    let index: BTreeMap<&str, usize> = graph
        .nodes
        .iter()
        .enumerate()
        .map(|(i, n)| (n.name.as_str(), i))
        .collect();
    let mut arcs: Vec<(usize, usize, &Edge)> = edges
        .iter()
        .filter(|e| !e.both)
        .filter_map(|e| Some((*index.get(e.from.as_str())?, *index.get(e.to.as_str())?, e)))
        .collect();
    for told in 0..CYCLES_TOLD_MAX {
        let Some(cycle) = find_cycle(graph.nodes.len(), &arcs) else {
            return told > 0;
        };
        let mut words: Vec<&str> = cycle.iter().map(|&at| arcs[at].2.from.as_str()).collect();
        words.push(words[0]);
        let last = cycle.iter().copied().max().unwrap_or(0);
        let problem = format!("the edges form a cycle: {}", words.join(" -> "));
        faults.check(
            &arcs[last].2.path,
            problem,
            "drop or turn one of its edges; what is common to two nodes is `a <-> b`",
        );
        arcs.remove(last);
    }
    true
}

/// Positions in `arcs` of the edges of some cycle, in its direction.
fn find_cycle(nodes: usize, arcs: &[(usize, usize, &Edge)]) -> Option<Vec<usize>> {
    // Kahn's algorithm leaves the nodes on cycles and those below them; each of these has an arc from another.
    let mut incoming = vec![0usize; nodes];
    let mut outgoing = vec![Vec::new(); nodes];
    for &(from, to, _) in arcs {
        incoming[to] += 1;
        outgoing[from].push(to);
    }
    let mut ready: Vec<usize> = (0..nodes).filter(|&n| incoming[n] == 0).collect();
    while let Some(node) = ready.pop() {
        for &to in &outgoing[node] {
            incoming[to] -= 1;
            if incoming[to] == 0 {
                ready.push(to);
            }
        }
    }
    let mut into: Vec<Option<usize>> = vec![None; nodes];
    for (at, &(from, to, _)) in arcs.iter().enumerate() {
        if incoming[from] > 0 && incoming[to] > 0 && into[to].is_none() {
            into[to] = Some(at);
        }
    }
    // Going backwards from such a node must meet a node twice.
    let mut node = (0..nodes).find(|&n| incoming[n] > 0)?;
    let mut walked: Vec<usize> = Vec::new();
    let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
    loop {
        if let Some(&start) = seen.get(&node) {
            let mut cycle = walked[start..].to_vec();
            cycle.reverse();
            return Some(cycle);
        }
        seen.insert(node, walked.len());
        let arc = into[node]?;
        walked.push(arc);
        node = arcs[arc].0;
    }
}

/// Roles that the edges contradict.
fn roles(graph: &GraphSpec, edges: &[Edge], faults: &mut Faults) {
    let role: BTreeMap<&str, NodeRole> = graph.nodes.iter().map(|n| (n.name.as_str(), n.role)).collect();
    let of = |wanted: NodeRole| {
        graph
            .nodes
            .iter()
            .filter(move |n| n.role == wanted)
            .map(|n| n.name.as_str())
    };
    let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for edge in edges.iter().filter(|e| !e.both) {
        children.entry(&edge.from).or_default().push(&edge.to);
    }
    let after = descendants(of(NodeRole::Treatment), &children);
    for node in &graph.nodes {
        let path = format!("graph.nodes.{}.role", node.name);
        let name = node.name.as_str();
        match node.role {
            NodeRole::Confounder | NodeRole::EffectModifier | NodeRole::Instrument
                if after.contains(name) =>
            {
                let problem = "a treatment causes this node, so it is not known before the decision";
                faults.check(
                    &path,
                    problem,
                    "give it the role `mediator`, or drop the edge that leads to it",
                );
            }
            NodeRole::Mediator if !after.contains(name) => {
                let problem = "no treatment leads to this mediator";
                faults.check(
                    &path,
                    problem,
                    "add the edge from its treatment, or give it the role `confounder`",
                );
            }
            NodeRole::Instrument => {
                let below = descendants([name].into_iter(), &children);
                if !of(NodeRole::Treatment).any(|t| below.contains(t)) {
                    let problem = "this instrument moves no treatment";
                    faults.check(
                        &path,
                        problem,
                        "add the edge to its treatment, or give it the role `effect_modifier`",
                    );
                }
            }
            _ => {}
        }
    }
    let is = |name: &str, wanted: NodeRole| role.get(name) == Some(&wanted);
    for edge in edges {
        let forth = is(&edge.from, NodeRole::Instrument) && is(&edge.to, NodeRole::Outcome);
        let back = edge.both && is(&edge.to, NodeRole::Instrument) && is(&edge.from, NodeRole::Outcome);
        if forth || back {
            let name = if forth { &edge.from } else { &edge.to };
            let problem = format!("`{name}` is an instrument, yet this edge joins it to an outcome directly");
            faults.check(
                &edge.path,
                problem,
                format!("drop the edge, or give `{name}` the role `confounder`"),
            );
        }
    }
}

/// Everything below `roots`, themselves left out unless another root leads to them.
fn descendants<'a>(
    roots: impl Iterator<Item = &'a str>,
    children: &BTreeMap<&'a str, Vec<&'a str>>,
) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&str> = roots.collect();
    while let Some(node) = open.pop() {
        for child in children.get(node).into_iter().flatten() {
            if found.insert(*child) {
                open.push(child);
            }
        }
    }
    found
}
