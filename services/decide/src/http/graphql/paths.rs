//! Paths between nodes, with what each inner node does to them and why.

use async_graphql::{Enum, SimpleObject};
use ceteris_graph::{Path, PathList, Stance, Stop};

/// What an inner node is on a path.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
enum PathStance {
    Chain,
    Fork,
    Collider,
}

/// One inner node of a path.
#[derive(SimpleObject)]
struct PathStop {
    /// The node.
    node: String,
    /// What it is on this path.
    stance: PathStance,
    /// Whether it lets the path through.
    open: bool,
    /// Why.
    why: String,
}

/// One path.
#[derive(SimpleObject)]
#[graphql(name = "Path")]
struct PathView {
    /// Its nodes.
    nodes: Vec<String>,
    /// The path with its arrows.
    text: String,
    /// Whether every inner node lets it through.
    open: bool,
    /// Whether every edge points away from its start.
    causal: bool,
    /// Whether its first edge points into its start.
    back_door: bool,
    /// Its inner nodes.
    stops: Vec<PathStop>,
}

/// Paths, shortest first.
#[derive(SimpleObject)]
pub(super) struct Paths {
    /// The paths.
    paths: Vec<PathView>,
    /// Whether these are all.
    complete: bool,
}

impl From<PathList> for Paths {
    fn from(list: PathList) -> Self {
        Self {
            paths: list.paths.into_iter().map(path_view).collect(),
            complete: list.complete,
        }
    }
}

fn path_view(path: Path) -> PathView {
    let stop = |stop: Stop| PathStop {
        node: stop.node,
        stance: match stop.stance {
            Stance::Chain => PathStance::Chain,
            Stance::Fork => PathStance::Fork,
            Stance::Collider => PathStance::Collider,
        },
        open: stop.open,
        why: stop.why,
    };
    PathView {
        nodes: path.nodes,
        text: path.text,
        open: path.open,
        causal: path.causal,
        back_door: path.back_door,
        stops: path.stops.into_iter().map(stop).collect(),
    }
}
