//! A graph and what can be asked of it.

use std::sync::Arc;

use async_graphql::{Context, Enum, Error, Object, Result, SimpleObject};
use ceteris_causal::graph::{EdgeKind, Graph, Node, NodeSet, PathBounds, Stance};
use ceteris_causal::identify::{Identification, Query, Strategy, identify};
use ceteris_chassis::pool;

use super::answer::{Identified, Independent, StrategyKind};
use super::model::{self, ModelUsing};
use crate::app::App;

/// Paths listed at most, whatever is asked.
const PATHS_MAX: u32 = 200;
/// Edges looked at for paths, and steps of identification: some tenths of a second of one core.
const PATH_STEPS_MAX: u64 = 500_000;
const STEPS_MAX: u64 = 2_000_000;
/// Adjustment sets, front doors and implications listed at most, each.
const SETS_MAX: usize = 50;

/// One version of a problem's graph.
#[derive(Clone)]
pub(super) struct GraphView {
    pub(super) problem: String,
    pub(super) version: String,
    pub(super) model_graph: String,
    pub(super) graph: Arc<Graph>,
}

/// One node.
#[derive(SimpleObject)]
#[graphql(name = "Node")]
struct NodeView {
    /// Its name.
    name: String,
    /// What it is to the problem, as the problem file says it.
    role: Option<String>,
    /// When it takes its value: `before` the decision, as `mediator` or as `outcome`.
    clock: Option<String>,
    /// What it means.
    description: String,
    /// The views that measure it.
    measured_by: Vec<String>,
    /// Whether nothing can observe it.
    latent: bool,
    /// Its causes.
    parents: Vec<String>,
    /// Its effects.
    children: Vec<String>,
    /// Nodes with a latent cause in common with it.
    siblings: Vec<String>,
    /// The smallest set given which it is independent of all others.
    markov_blanket: Vec<String>,
}

/// One edge.
#[derive(SimpleObject)]
#[graphql(name = "Edge")]
struct EdgeView {
    /// The cause; either end of a bidirected edge.
    from: String,
    /// The effect; the other end of a bidirected edge.
    to: String,
    /// Whether it stands for a latent common cause.
    bidirected: bool,
}

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
struct Paths {
    /// The paths.
    paths: Vec<PathView>,
    /// Whether these are all.
    complete: bool,
}

#[Object(name = "Graph")]
impl GraphView {
    /// The problem.
    async fn problem(&self) -> &str {
        &self.problem
    }

    /// The version of the problem file: its digest in the registry.
    async fn version(&self) -> &str {
        &self.version
    }

    /// The digest of the graph's content.
    async fn digest(&self) -> String {
        self.graph.digest().to_string()
    }

    /// Its nodes, or the one of this name.
    #[graphql(complexity = "20 + 5 * child_complexity")]
    async fn nodes(&self, #[graphql(desc = "Only this one.")] name: Option<String>) -> Vec<NodeView> {
        let wanted = |node: &Node| name.as_ref().is_none_or(|name| *name == node.name);
        let nodes = self.graph.nodes().filter(|(_, node)| wanted(node));
        nodes.map(|(id, node)| node_view(&self.graph, id, node)).collect()
    }

    /// Its edges.
    #[graphql(complexity = "20 + 5 * child_complexity")]
    async fn edges(&self) -> Vec<EdgeView> {
        let edge = |edge: ceteris_causal::graph::Edge| EdgeView {
            bidirected: edge.kind == EdgeKind::Bidirected,
            from: edge.from,
            to: edge.to,
        };
        self.graph.edges().into_iter().map(edge).collect()
    }

    /// The districts of its projection on what can be observed.
    async fn districts(&self) -> Vec<Vec<String>> {
        let projected = self.graph.project();
        let districts = projected.view().districts();
        districts
            .iter()
            .map(|district| projected.names(district))
            .collect()
    }

    /// The graph as a Mermaid flowchart.
    async fn mermaid(&self) -> String {
        self.graph.to_mermaid()
    }

    /// The graph as an SVG picture.
    async fn svg(&self) -> String {
        self.graph.to_svg()
    }

    /// The paths between two sets of nodes, with why each is open or closed.
    #[graphql(complexity = "200 + 5 * child_complexity")]
    async fn paths(
        &self,
        from: Vec<String>,
        to: Vec<String>,
        #[graphql(default)] given: Vec<String>,
        #[graphql(default)] open_only: bool,
        #[graphql(default)] back_door_only: bool,
        #[graphql(desc = "At most so many, and never more than 200.", default = 50)] first: u32,
    ) -> Result<Paths> {
        let (x, y, z) = (self.set(&from)?, self.set(&to)?, self.set(&given)?);
        let bounds = PathBounds {
            open_only,
            back_door_only,
            paths_max: first.min(PATHS_MAX) as usize,
            steps_max: PATH_STEPS_MAX,
        };
        let graph = Arc::clone(&self.graph);
        let list = pool::run(move || graph.view().paths(&x, &y, &z, &bounds)).await?;
        Ok(Paths {
            paths: list.paths.into_iter().map(path_view).collect(),
            complete: list.complete,
        })
    }

    /// The minimal adjustment sets for an effect, smallest first.
    #[graphql(complexity = 300)]
    async fn adjustment_sets(
        &self,
        treatments: Vec<String>,
        outcomes: Vec<String>,
        #[graphql(default)] given: Vec<String>,
        #[graphql(desc = "Nodes that no set may hold.", default)] forbidden: Vec<String>,
        #[graphql(desc = "Nodes that every set must hold.", default)] required: Vec<String>,
    ) -> Result<Vec<Vec<String>>> {
        let mut query = Query::of(treatments, outcomes)
            .given(given)
            .by(Strategy::Backdoor);
        (query.forbidden, query.required) = (forbidden, required);
        Ok(self.ask(query).await?.adjustment_sets)
    }

    /// Whether and how an effect follows from the graph and observed data.
    #[graphql(complexity = "300 + child_complexity")]
    async fn identify(
        &self,
        treatments: Vec<String>,
        outcomes: Vec<String>,
        #[graphql(default)] given: Vec<String>,
        strategy: Option<StrategyKind>,
        #[graphql(desc = "Take every node that nothing measures as latent.", default)] measured_only: bool,
    ) -> Result<Identified> {
        let strategy = strategy.map_or(Strategy::Auto, StrategyKind::strategy);
        let mut query = Query::of(treatments, outcomes).given(given).by(strategy);
        query.measured_only = measured_only;
        Ok(Identified(self.ask(query).await?))
    }

    /// The independences among observed nodes that the graph implies and data could refute.
    #[graphql(complexity = "300 + 5 * child_complexity")]
    async fn testable_implications(&self) -> Result<Vec<Independent>> {
        let observed = self.graph.names(&self.graph.observed());
        // Implications are of the graph alone; any two nodes ask for them.
        let [first, second, ..] = observed.as_slice() else {
            return Ok(Vec::new());
        };
        let answer = self.ask(Query::new(first.clone(), second.clone())).await?;
        Ok(answer
            .testable_implications
            .into_iter()
            .map(Independent)
            .collect())
    }

    /// The models of this problem that were trained on this graph.
    #[graphql(complexity = "100 + 5 * child_complexity")]
    async fn models(&self, context: &Context<'_>) -> Result<Vec<ModelUsing>> {
        let app = context.data::<Arc<App>>()?;
        model::using(app, &self.problem, &self.model_graph).await
    }
}

impl GraphView {
    fn set(&self, names: &[String]) -> Result<NodeSet> {
        let id = |name: &String| {
            let id = self.graph.id(name);
            id.ok_or_else(|| Error::new(format!("{name} is not a node of the graph")))
        };
        names.iter().map(id).collect()
    }

    async fn ask(&self, mut query: Query) -> Result<Identification> {
        (query.steps_max, query.sets_max) = (STEPS_MAX, SETS_MAX);
        let graph = Arc::clone(&self.graph);
        let answer = pool::run(move || identify(&graph, &query)).await?;
        answer.map_err(|error| Error::new(error.to_string()))
    }
}

fn node_view(graph: &Graph, id: ceteris_causal::graph::NodeId, node: &Node) -> NodeView {
    let view = graph.view();
    let names = |set: NodeSet| graph.names(&set);
    NodeView {
        name: node.name.clone(),
        role: node.role.map(|role| role.name().to_owned()),
        clock: node.when().map(|clock| clock.name().to_owned()),
        description: node.description.clone(),
        measured_by: node.measured_by.clone(),
        latent: node.latent,
        parents: names(view.parents(id).collect()),
        children: names(view.children(id).collect()),
        siblings: names(view.siblings(id).collect()),
        markov_blanket: names(view.markov_blanket(id)),
    }
}

fn path_view(path: ceteris_causal::graph::Path) -> PathView {
    let stop = |stop: ceteris_causal::graph::Stop| PathStop {
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
