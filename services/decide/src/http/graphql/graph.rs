//! A graph and what can be asked of it.

use std::sync::Arc;

use async_graphql::{Context, Object, Result, SimpleObject};
use ceteris_chassis::pool;
use ceteris_graph::identify::{Identification, Query, QueryFault, Strategy, identify};
use ceteris_graph::{EdgeKind, Graph, NodeSet, PathBounds};

use super::answer::{AdjustmentSets, Identified, Implications, StrategyKind};
use super::model::{self, ModelsUsing};
use super::node::NodeView;
use super::paths::Paths;
use super::refused;
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

/// One version of a problem's causal graph.
#[Object(name = "Graph")]
impl GraphView {
    /// The name of the problem.
    async fn problem(&self) -> &str {
        &self.problem
    }

    /// The version of the problem file: its digest in the registry.
    async fn version(&self) -> &str {
        &self.version
    }

    /// The digest of the graph's content: equal for equal graphs, in whatever order they are written.
    async fn digest(&self) -> String {
        self.graph.digest().to_string()
    }

    /// Its nodes, in the order of the problem file.
    #[graphql(complexity = "20 + 10 * child_complexity")]
    async fn nodes(&self) -> Vec<NodeView> {
        let view = |id| NodeView {
            graph: Arc::clone(&self.graph),
            id,
        };
        self.graph.nodes().map(|(id, _)| view(id)).collect()
    }

    /// The node of this name; null where there is none.
    #[graphql(complexity = "1 + child_complexity")]
    async fn node(&self, #[graphql(desc = "The name.")] name: String) -> Option<NodeView> {
        self.graph.id(&name).map(|id| NodeView {
            graph: Arc::clone(&self.graph),
            id,
        })
    }

    /// Its edges.
    #[graphql(complexity = "20 + 5 * child_complexity")]
    async fn edges(&self) -> Vec<EdgeView> {
        let edge = |edge: ceteris_graph::Edge| EdgeView {
            bidirected: edge.kind == EdgeKind::Bidirected,
            from: edge.from,
            to: edge.to,
        };
        self.graph.edges().into_iter().map(edge).collect()
    }

    /// The observed nodes in groups joined by latent common causes; null where there are too many such causes to tell.
    #[graphql(complexity = 100)]
    async fn districts(&self) -> Result<Option<Vec<Vec<String>>>> {
        let graph = Arc::clone(&self.graph);
        let told = move || {
            let latent = graph.all().difference(&graph.observed());
            let (projected, _) = graph.project_away_within(&latent, STEPS_MAX)?;
            let districts = projected.view().districts();
            Some(
                districts
                    .iter()
                    .map(|district| projected.names(district))
                    .collect(),
            )
        };
        Ok(pool::run(told).await?)
    }

    /// The graph as a Mermaid flowchart.
    #[graphql(complexity = 50)]
    async fn mermaid(&self) -> String {
        self.graph.to_mermaid()
    }

    /// The graph as an SVG picture.
    #[graphql(complexity = 50)]
    async fn svg(&self) -> String {
        self.graph.to_svg()
    }

    /// Whether two sets of nodes are independent given a third, by the graph (m-separation).
    #[graphql(complexity = 50)]
    async fn separated(
        &self,
        #[graphql(desc = "One set.")] left: Vec<String>,
        #[graphql(desc = "The other set.")] right: Vec<String>,
        #[graphql(desc = "What is conditioned on.", default)] given: Vec<String>,
    ) -> Result<bool> {
        let (x, y, z) = (self.set(&left)?, self.set(&right)?, self.set(&given)?);
        Ok(self.graph.view().m_separated(&x, &y, &z))
    }

    /// The paths between two sets of nodes, with why each is open or closed.
    #[graphql(complexity = "200 + 5 * child_complexity")]
    #[allow(
        clippy::too_many_arguments,
        reason = "they are the arguments of the GraphQL field"
    )]
    async fn paths(
        &self,
        #[graphql(desc = "Where they start.")] from: Vec<String>,
        #[graphql(desc = "Where they end.")] to: Vec<String>,
        #[graphql(desc = "What is conditioned on.", default)] given: Vec<String>,
        #[graphql(desc = "Leave out paths that something closes.", default)] open_only: bool,
        #[graphql(desc = "Leave out paths whose first edge leaves their start.", default)]
        back_door_only: bool,
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
        Ok(list.into())
    }

    /// The sets of nodes that adjust for confounding of an effect.
    #[graphql(complexity = "300 + child_complexity")]
    async fn adjustment_sets(
        &self,
        #[graphql(desc = "What is set.")] treatments: Vec<String>,
        #[graphql(desc = "What is asked about.")] outcomes: Vec<String>,
        #[graphql(desc = "What is conditioned on, for a conditional effect.", default)] given: Vec<String>,
        #[graphql(desc = "Nodes that no set may hold.", default)] forbidden: Vec<String>,
        #[graphql(desc = "Nodes that every set must hold.", default)] required: Vec<String>,
    ) -> Result<AdjustmentSets> {
        let mut query = Query::of(treatments, outcomes)
            .given(given)
            .by(Strategy::Backdoor);
        (query.forbidden, query.required) = (forbidden, required);
        Ok(self.ask(query).await?.into())
    }

    /// Whether and how an effect follows from the graph and observed data.
    #[graphql(complexity = "300 + child_complexity")]
    async fn identify(
        &self,
        #[graphql(desc = "What is set.")] treatments: Vec<String>,
        #[graphql(desc = "What is asked about.")] outcomes: Vec<String>,
        #[graphql(desc = "What is conditioned on, for a conditional effect.", default)] given: Vec<String>,
        #[graphql(desc = "How; left out, in any way.", default_with = "StrategyKind::Auto")]
        strategy: StrategyKind,
        #[graphql(desc = "Take every node that nothing measures as latent.", default)] measured_only: bool,
    ) -> Result<Identified> {
        let mut query = Query::of(treatments, outcomes)
            .given(given)
            .by(strategy.strategy());
        query.measured_only = measured_only;
        Ok(Identified(self.ask(query).await?))
    }

    /// The independences among observed nodes that the graph implies and data could refute.
    #[graphql(complexity = "300 + 5 * child_complexity")]
    async fn testable_implications(&self) -> Result<Implications> {
        let observed = self.graph.names(&self.graph.observed());
        // Implications are of the graph alone; any two nodes ask for them.
        let [first, second, ..] = observed.as_slice() else {
            return Ok(Implications::none());
        };
        Ok(self.ask(Query::new(first.clone(), second.clone())).await?.into())
    }

    /// The models of this problem that were trained on this graph.
    #[graphql(complexity = "100 + 5 * child_complexity")]
    async fn models(&self, context: &Context<'_>) -> Result<ModelsUsing> {
        let app = context.data::<Arc<App>>()?;
        model::using(app, &self.problem, &self.model_graph).await
    }
}

impl GraphView {
    fn set(&self, names: &[String]) -> Result<NodeSet> {
        let id = |name: &String| {
            let id = self.graph.id(name);
            id.ok_or_else(|| refused("unknown_node", format!("{name} is not a node of the graph")))
        };
        names.iter().map(id).collect()
    }

    async fn ask(&self, mut query: Query) -> Result<Identification> {
        (query.steps_max, query.sets_max) = (STEPS_MAX, SETS_MAX);
        let graph = Arc::clone(&self.graph);
        let answer = pool::run(move || identify(&graph, &query)).await?;
        answer.map_err(|error| {
            let unknown = |fault: &QueryFault| matches!(fault, QueryFault::Unknown { .. });
            let code = if error.faults.iter().any(unknown) {
                "unknown_node"
            } else {
                "unprocessable_query"
            };
            refused(code, error.to_string())
        })
    }
}
