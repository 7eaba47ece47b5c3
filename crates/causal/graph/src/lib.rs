#![doc = include_str!("../README.md")]

mod graph;
pub mod identify;

pub use graph::{
    Clock, Edge, EdgeKind, Fault, FaultKind, Graph, GraphBuilder, GraphDiff, GraphDigest, GraphError, Node,
    NodeChange, NodeId, NodeSet, OpenPath, Path, PathBounds, PathList, Role, Stance, Stop, View,
};
