//! Causal graphs: immutable ADMGs (directed and bidirected edges) with latent nodes, roles and clocks; their text
//! forms and pictures; digests and diffs; ancestry, districts, mutilation, latent projection, m-separation and paths.
//! What a graph identifies is not decided here.

mod admg;
mod build;
mod diff;
mod digest;
mod fault;
mod node;
mod path;
mod paths;
mod project;
mod read;
mod separation;
mod set;
mod view;
mod write;

pub use admg::{Edge, EdgeKind, Graph};
pub use build::GraphBuilder;
pub use diff::{GraphDiff, NodeChange};
pub use digest::GraphDigest;
pub use fault::{Fault, FaultKind, GraphError};
pub use node::{Clock, Node, NodeId, Role};
pub use path::OpenPath;
pub use paths::{Path, PathBounds, PathList, Stance, Stop};
pub use set::NodeSet;
pub use view::View;
