//! Causal graphs: immutable ADMGs (directed and bidirected edges) with latent nodes, roles and clocks; their text
//! forms; ancestry, districts, mutilation, latent projection and m-separation. What a graph identifies is decided
//! in [`crate::identify`].

mod admg;
mod build;
mod fault;
mod node;
mod path;
mod project;
mod read;
mod separation;
mod set;
mod view;

pub use admg::{Edge, EdgeKind, Graph};
pub use build::GraphBuilder;
pub use fault::{Fault, FaultKind, GraphError};
pub use node::{Clock, Node, NodeId, Role};
pub use path::OpenPath;
pub use set::NodeSet;
pub use view::View;
