//! The only way to a [`Graph`]: declare nodes and edges in any order, then build; all faults are reported together.

use super::{Edge, EdgeKind, Fault, FaultKind, Graph, GraphError, Node, NodeId};
use petgraph::graph::{DiGraph, UnGraph};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Collects the declarations of a graph.
///
/// ```
/// use ceteris_graph::{GraphBuilder, Node};
/// let graph = GraphBuilder::new()
///     .node(Node::new("X")).node(Node::new("Y")).directed("X", "Y").bidirected("X", "Y").build()?;
/// assert_eq!(graph.edge_count(), 2);
/// # Ok::<(), ceteris_graph::GraphError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct GraphBuilder {
    nodes: Vec<(Node, Option<usize>)>,
    edges: Vec<(Edge, Option<usize>)>,
    faults: Vec<Fault>,
    line: Option<usize>,
}

impl GraphBuilder {
    /// Nothing declared yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What is declared from here on stands in this line of a text, which faults will name.
    #[must_use]
    pub fn at_line(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    /// Declares a node.
    #[must_use]
    pub fn node(mut self, node: Node) -> Self {
        self.nodes.push((node, self.line));
        self
    }

    /// Declares `from -> to`.
    #[must_use]
    pub fn directed(self, from: &str, to: &str) -> Self {
        self.edge(Edge {
            from: from.into(),
            to: to.into(),
            kind: EdgeKind::Directed,
        })
    }

    /// Declares `a <-> b`: a latent common cause of both.
    #[must_use]
    pub fn bidirected(self, a: &str, b: &str) -> Self {
        self.edge(Edge {
            from: a.into(),
            to: b.into(),
            kind: EdgeKind::Bidirected,
        })
    }

    /// Declares an edge of either kind.
    #[must_use]
    pub fn edge(mut self, edge: Edge) -> Self {
        self.edges.push((edge, self.line));
        self
    }

    /// Records a fault that a reader found in the current line.
    #[must_use]
    pub(super) fn fault(mut self, kind: FaultKind) -> Self {
        self.faults.push(Fault {
            line: self.line,
            kind,
        });
        self
    }

    /// Checks everything and makes the graph.
    ///
    /// # Errors
    /// All faults: bad or repeated names, edges that name unknown nodes, repeat, join a node to itself or close a
    /// directed cycle (one cycle is named per strongly connected component).
    pub fn build(self) -> Result<Graph, GraphError> {
        let mut faults = self.faults;
        let mut directed = DiGraph::new();
        let mut bidirected = UnGraph::new_undirected();
        let mut ids = BTreeMap::new();
        for (node, line) in self.nodes {
            if node.name.trim().is_empty() || node.name.contains('\'') {
                faults.push(Fault {
                    line,
                    kind: FaultKind::BadName(node.name.clone()),
                });
            }
            if ids.contains_key(&node.name) {
                faults.push(Fault {
                    line,
                    kind: FaultKind::DuplicateNode(node.name),
                });
                continue;
            }
            let name = node.name.clone();
            ids.insert(name, directed.add_node(node));
            bidirected.add_node(());
        }
        let mut sound: Vec<(NodeId, NodeId, &Edge, Option<usize>)> = Vec::new();
        let mut seen = BTreeSet::new();
        for (edge, line) in &self.edges {
            match check_edge(edge, &ids, &mut seen) {
                Ok((from, to)) => sound.push((from, to, edge, *line)),
                Err(kinds) => faults.extend(kinds.into_iter().map(|kind| Fault { line: *line, kind })),
            }
        }
        for &(from, to, edge, _) in &sound {
            match edge.kind {
                EdgeKind::Directed => drop(directed.add_edge(from, to, ())),
                EdgeKind::Bidirected => drop(bidirected.add_edge(from, to, ())),
            }
        }
        faults.extend(cycles(&directed, &sound));
        if faults.is_empty() {
            return Ok(Graph {
                directed,
                bidirected,
                ids,
            });
        }
        faults.sort_by_key(|fault| fault.line);
        Err(GraphError { faults })
    }
}

/// The ends of a sound edge, or everything wrong with it.
fn check_edge(
    edge: &Edge,
    ids: &BTreeMap<String, NodeId>,
    seen: &mut BTreeSet<(NodeId, NodeId, EdgeKind)>,
) -> Result<(NodeId, NodeId), Vec<FaultKind>> {
    let (Some(&from), Some(&to)) = (ids.get(&edge.from), ids.get(&edge.to)) else {
        let unknown: BTreeSet<&String> = [&edge.from, &edge.to]
            .into_iter()
            .filter(|n| !ids.contains_key(*n))
            .collect();
        let fault = |node: &String| FaultKind::UnknownNode {
            node: node.clone(),
            edge: edge.to_string(),
        };
        return Err(unknown.into_iter().map(fault).collect());
    };
    if from == to {
        return Err(vec![FaultKind::SelfLoop(edge.to_string())]);
    }
    let key = match edge.kind {
        EdgeKind::Directed => (from, to, edge.kind),
        EdgeKind::Bidirected => (from.min(to), from.max(to), edge.kind),
    };
    if seen.insert(key) {
        Ok((from, to))
    } else {
        Err(vec![FaultKind::DuplicateEdge(edge.to_string())])
    }
}

/// One fault per strongly connected component of more than one node: its last declared edge, and a cycle through it.
fn cycles(directed: &DiGraph<Node, ()>, edges: &[(NodeId, NodeId, &Edge, Option<usize>)]) -> Vec<Fault> {
    // Kosaraju's algorithm walks with a stack of its own; petgraph's Tarjan recurses as deep as the graph is long.
    let mut components = petgraph::algo::kosaraju_scc(directed);
    components.retain(|component| component.len() > 1);
    let mut component_of = BTreeMap::new();
    for (i, component) in components.iter().enumerate() {
        component_of.extend(component.iter().map(|&v| (v, i)));
    }
    let mut closing = vec![None; components.len()];
    for &(from, to, edge, line) in edges.iter().filter(|(_, _, e, _)| e.kind == EdgeKind::Directed) {
        if let Some(&i) = component_of.get(&from)
            && component_of.get(&to) == Some(&i)
        {
            closing[i] = Some((from, to, edge, line));
        }
    }
    let mut faults = Vec::new();
    for (component, closing) in components.into_iter().zip(closing) {
        let Some((from, to, edge, line)) = closing else {
            continue;
        };
        let inside = component.into_iter().collect();
        let mut names = vec![edge.from.clone()];
        let path = shortest(directed, &inside, to, from);
        names.extend(path.into_iter().map(|id| directed[id].name.clone()));
        let kind = FaultKind::Cycle {
            edge: edge.to_string(),
            cycle: shortened(&names),
        };
        faults.push(Fault { line, kind });
    }
    faults
}

/// Nodes of a cycle named at either end of it; a longer one is told by its ends and its length.
const CYCLE_ENDS: usize = 10;

/// A cycle by its nodes, with the middle of a long one left out.
fn shortened(names: &[String]) -> String {
    if names.len() <= 2 * CYCLE_ENDS + 1 {
        return names.join(" -> ");
    }
    let (first, last) = (&names[..CYCLE_ENDS], &names[names.len() - CYCLE_ENDS..]);
    let between = names.len() - 2 * CYCLE_ENDS;
    format!(
        "{} -> ({between} more) -> {}",
        first.join(" -> "),
        last.join(" -> ")
    )
}

/// A shortest directed path inside a strongly connected set, both ends included.
fn shortest(
    directed: &DiGraph<Node, ()>,
    inside: &BTreeSet<NodeId>,
    from: NodeId,
    to: NodeId,
) -> Vec<NodeId> {
    let mut came_from = BTreeMap::new();
    let mut queue = VecDeque::from([from]);
    while let Some(at) = queue.pop_front() {
        for next in directed.neighbors(at) {
            if inside.contains(&next) && next != from && !came_from.contains_key(&next) {
                came_from.insert(next, at);
                queue.push_back(next);
            }
        }
    }
    let mut path: Vec<NodeId> = std::iter::successors(Some(to), |at| came_from.get(at).copied()).collect();
    path.reverse();
    path
}
