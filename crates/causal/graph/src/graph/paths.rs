//! All simple paths between two sets, one by one, with what each inner node does to the path and why. Exponential in
//! general, so bounded in number and in steps; [`View::open_path`] finds a single open one in linear time.

use super::{NodeId, NodeSet, View, separation::Step};
use serde::{Deserialize, Serialize};

/// What an inner node is on a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stance {
    /// `-> v ->` or `<- v <-`, a bidirected edge into it and a directed one out of it included.
    Chain,
    /// `<- v ->`.
    Fork,
    /// `-> v <-`.
    Collider,
}

/// One inner node of a path and whether it lets the path through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// The node.
    pub node: String,
    /// What it is on this path.
    pub stance: Stance,
    /// Whether the path passes it.
    pub open: bool,
    /// Why, in words.
    pub why: String,
}

/// One path from a node of one set to a node of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Path {
    /// The nodes from one end to the other.
    pub nodes: Vec<String>,
    /// The same with its arrows, as `ad <- intent -> purchase`.
    pub text: String,
    /// Whether every inner node lets it through.
    pub open: bool,
    /// Whether every edge points away from its start.
    pub causal: bool,
    /// Whether its first edge points into its start.
    pub back_door: bool,
    /// The inner nodes, in order.
    pub stops: Vec<Stop>,
}

/// Which paths are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathBounds {
    /// Only paths that are open.
    pub open_only: bool,
    /// Only paths whose first edge points into their start.
    pub back_door_only: bool,
    /// At most so many paths.
    pub paths_max: usize,
    /// At most so many edges looked at.
    pub steps_max: u64,
}

impl Default for PathBounds {
    fn default() -> Self {
        Self {
            open_only: false,
            back_door_only: false,
            paths_max: 1000,
            steps_max: 2_000_000,
        }
    }
}

/// The paths found, shortest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathList {
    /// The paths.
    pub paths: Vec<Path>,
    /// Whether these are all; otherwise a bound ended the search, and no shorter path than the last is missing.
    pub complete: bool,
}

impl View<'_> {
    /// The simple paths from `x` to `y` that touch both only at their ends, with why each is open or closed given
    /// `given`. The search deepens one edge at a time, so the shortest come first whatever the bounds.
    #[must_use]
    pub fn paths(&self, x: &NodeSet, y: &NodeSet, given: &NodeSet, bounds: &PathBounds) -> PathList {
        let mut search = Search {
            view: self,
            x,
            y,
            given,
            opened: self.ancestors(given),
            bounds,
            steps: bounds.steps_max,
            found: Vec::new(),
            longer: true,
        };
        let mut length = 1;
        let mut complete = true;
        while search.longer && length < self.nodes().len() {
            search.longer = false;
            let starts: Vec<NodeId> = x
                .difference(y)
                .difference(given)
                .intersection(self.nodes())
                .iter()
                .collect();
            if starts
                .into_iter()
                .any(|start| search.from(start, length).is_err())
            {
                complete = false;
                break;
            }
            length += 1;
        }
        PathList {
            paths: search.found,
            complete,
        }
    }
}

/// A bound was met.
struct Bounded;

struct Search<'a, 'g> {
    view: &'a View<'g>,
    x: &'a NodeSet,
    y: &'a NodeSet,
    given: &'a NodeSet,
    opened: NodeSet,
    bounds: &'a PathBounds,
    steps: u64,
    found: Vec<Path>,
    /// Whether some path could have gone on beyond the length in force.
    longer: bool,
}

impl Search<'_, '_> {
    /// All paths of just `length` edges from one node. The path in hand is a stack of its own, for it may be as long as
    /// the graph.
    fn from(&mut self, start: NodeId, length: usize) -> Result<(), Bounded> {
        let view = self.view;
        let (mut nodes, mut steps) = (vec![start], Vec::new());
        let mut used = NodeSet::one(start);
        let mut ways = vec![view.steps(start)];
        while let Some(&at) = nodes.last() {
            let Some((step, next)) = ways.last_mut().and_then(Iterator::next) else {
                ways.pop();
                nodes.pop();
                steps.pop();
                used.remove(at);
                continue;
            };
            self.steps = self.steps.checked_sub(1).ok_or(Bounded)?;
            if used.contains(next) || self.x.contains(next) || !self.wanted(steps.last(), at, step) {
                continue;
            }
            let arrived = self.y.contains(next);
            if ways.len() < length {
                if !arrived {
                    nodes.push(next);
                    steps.push(step);
                    used.insert(next);
                    ways.push(view.steps(next));
                }
            } else if !arrived {
                self.longer = true;
            } else if !self.given.contains(next) {
                if self.found.len() == self.bounds.paths_max {
                    return Err(Bounded);
                }
                nodes.push(next);
                steps.push(step);
                let path = self.told(&nodes, &steps);
                steps.pop();
                nodes.pop();
                self.found.push(path);
            }
        }
        Ok(())
    }

    /// Whether a path that arrived at `at` by `last` may leave by `step`, as far as the bounds ask.
    fn wanted(&self, last: Option<&Step>, at: NodeId, step: Step) -> bool {
        match last {
            None => !self.bounds.back_door_only || step.head_here(),
            Some(last) => !self.bounds.open_only || self.passes(*last, at, step),
        }
    }

    fn passes(&self, last: Step, at: NodeId, step: Step) -> bool {
        if last.head_there() && step.head_here() {
            self.opened.contains(at)
        } else {
            !self.given.contains(at)
        }
    }

    fn told(&self, nodes: &[NodeId], steps: &[Step]) -> Path {
        let name = |v: NodeId| self.view.graph().node(v).name.clone();
        let mut text = name(nodes[0]);
        for (step, &v) in steps.iter().zip(&nodes[1..]) {
            text.push_str(step.arrow());
            text.push_str(&name(v));
        }
        let stops: Vec<Stop> = (1..steps.len())
            .map(|i| self.stop(nodes[i], steps[i - 1], steps[i]))
            .collect();
        Path {
            nodes: nodes.iter().map(|&v| name(v)).collect(),
            text,
            open: stops.iter().all(|stop| stop.open),
            causal: steps.iter().all(|step| *step == Step::Down),
            back_door: steps[0].head_here(),
            stops,
        }
    }

    fn stop(&self, v: NodeId, last: Step, step: Step) -> Stop {
        let node = self.view.graph().node(v).name.clone();
        let open = self.passes(last, v, step);
        let (stance, why) = match (last.head_there(), step.head_here()) {
            (true, true) => (Stance::Collider, self.collider(v, &node)),
            (into, out) => {
                let (stance, word) = if into || out {
                    (Stance::Chain, "chain")
                } else {
                    (Stance::Fork, "fork")
                };
                let why = if open {
                    format!("{node} is a {word} and not conditioned on")
                } else {
                    format!("{node} is a {word} and conditioned on")
                };
                (stance, why)
            }
        };
        Stop {
            node,
            stance,
            open,
            why,
        }
    }

    fn collider(&self, v: NodeId, node: &str) -> String {
        if self.given.contains(v) {
            return format!("{node} is a collider and conditioned on");
        }
        let below = self.view.descendants(&NodeSet::one(v)).intersection(self.given);
        match below.smallest() {
            Some(d) => {
                let d = &self.view.graph().node(d).name;
                format!("{node} is a collider and its descendant {d} is conditioned on")
            }
            None => format!("{node} is a collider, and neither it nor a descendant is conditioned on"),
        }
    }
}
