//! One node: what is said of it, and what it is joined to.

use std::sync::Arc;

use async_graphql::{Enum, Object};
use ceteris_graph::{Clock, Graph, Node, NodeId, NodeSet, Role};

/// A node of a graph; what is joined to it is looked up only when it is asked for.
pub(super) struct NodeView {
    pub(super) graph: Arc<Graph>,
    pub(super) id: NodeId,
}

/// What a node is to the problem. Identification goes by edges alone.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
enum NodeRole {
    /// What may be given.
    Treatment,
    /// What is to change.
    Outcome,
    /// A common cause of a treatment and an outcome.
    Confounder,
    /// Carries an effect from a treatment to an outcome.
    Mediator,
    /// Moves a treatment and reaches the outcome only through it.
    Instrument,
    /// Changes the size of an effect.
    EffectModifier,
}

/// When a node takes its value.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
enum NodeClock {
    /// Known before the decision.
    Before,
    /// After the decision, before the outcome.
    Mediator,
    /// In or after the outcome's window.
    Outcome,
}

impl NodeView {
    fn node(&self) -> &Node {
        self.graph.node(self.id)
    }

    fn names(&self, set: &NodeSet) -> Vec<String> {
        self.graph.names(set)
    }

    /// The nodes a closure over this one finds, without itself.
    fn beyond(&self, closure: impl Fn(&NodeSet) -> NodeSet) -> Vec<String> {
        let one = NodeSet::one(self.id);
        self.names(&closure(&one).difference(&one))
    }
}

/// One node.
#[Object(name = "Node")]
impl NodeView {
    /// Its name.
    async fn name(&self) -> &str {
        &self.node().name
    }

    /// What it is to the problem; null for a latent node.
    async fn role(&self) -> Option<NodeRole> {
        self.node().role.map(|role| match role {
            Role::Treatment => NodeRole::Treatment,
            Role::Outcome => NodeRole::Outcome,
            Role::Confounder => NodeRole::Confounder,
            Role::Mediator => NodeRole::Mediator,
            Role::Instrument => NodeRole::Instrument,
            Role::EffectModifier => NodeRole::EffectModifier,
        })
    }

    /// When it takes its value; null for a treatment, which happens at the decision itself.
    async fn clock(&self) -> Option<NodeClock> {
        self.node().when().map(|clock| match clock {
            Clock::Before => NodeClock::Before,
            Clock::Mediator => NodeClock::Mediator,
            Clock::Outcome => NodeClock::Outcome,
        })
    }

    /// What it means, for people; empty where the problem file does not say.
    async fn description(&self) -> &str {
        &self.node().description
    }

    /// The feature views and events that measure it.
    async fn measured_by(&self) -> &[String] {
        &self.node().measured_by
    }

    /// Whether nothing can observe it.
    async fn latent(&self) -> bool {
        self.node().latent
    }

    /// Its direct causes.
    async fn parents(&self) -> Vec<String> {
        self.names(&self.graph.view().parents(self.id).collect())
    }

    /// Its direct effects.
    async fn children(&self) -> Vec<String> {
        self.names(&self.graph.view().children(self.id).collect())
    }

    /// The nodes that share a latent cause with it by a bidirected edge.
    async fn siblings(&self) -> Vec<String> {
        self.names(&self.graph.view().siblings(self.id).collect())
    }

    /// All its causes, direct or not.
    #[graphql(complexity = 5)]
    async fn ancestors(&self) -> Vec<String> {
        self.beyond(|one| self.graph.view().ancestors(one))
    }

    /// All its effects, direct or not.
    #[graphql(complexity = 5)]
    async fn descendants(&self) -> Vec<String> {
        self.beyond(|one| self.graph.view().descendants(one))
    }

    /// The smallest set given which it is independent of all other nodes, latent ones counted as if they were observed.
    #[graphql(complexity = 5)]
    async fn markov_blanket(&self) -> Vec<String> {
        self.names(&self.graph.view().markov_blanket(self.id))
    }
}
