//! Where a query begins.

use std::sync::Arc;

use async_graphql::{Context, Object, Result};
use ceteris_contract::problem::Problem;
use ceteris_graph::Graph;

use super::graph::GraphView;
use super::refused;
use crate::app::App;

/// The causal graphs of the problems that are served.
pub(super) struct Query;

#[Object]
impl Query {
    /// The newest graph of every problem that is served.
    #[graphql(complexity = "10 * child_complexity")]
    async fn graphs(&self, context: &Context<'_>) -> Result<Vec<GraphView>> {
        let app = context.data::<Arc<App>>()?;
        let mut graphs = Vec::new();
        for name in app.catalog.entries().keys() {
            graphs.push(view(app, name, None).await?);
        }
        Ok(graphs)
    }

    /// One problem's graph: the newest, or that of a version of the problem file.
    #[graphql(complexity = "1 + child_complexity")]
    async fn graph(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The problem.")] problem: String,
        #[graphql(desc = "The version of the problem file: its digest in the registry.")] version: Option<
            String,
        >,
    ) -> Result<GraphView> {
        let app = context.data::<Arc<App>>()?;
        served(app, &problem)?;
        view(app, &problem, version.as_deref()).await
    }

    /// The versions of a problem file that the registry keeps, in the order of their digests, which is not that of time.
    #[graphql(complexity = 20)]
    async fn versions(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The problem.")] problem: String,
    ) -> Result<Vec<String>> {
        let app = context.data::<Arc<App>>()?;
        served(app, &problem)?;
        app.catalog
            .registry()
            .problem_versions(&problem)
            .await
            .map_err(|error| {
                tracing::warn!(%error, problem, "the versions of a problem file cannot be listed");
                refused(
                    "unavailable",
                    format!("the versions of {problem} cannot be listed; the service logged why"),
                )
            })
    }
}

fn served(app: &App, problem: &str) -> Result<()> {
    if app.catalog.entries().contains_key(problem) {
        return Ok(());
    }
    Err(refused(
        "unknown_problem",
        format!("no problem `{problem}` is served"),
    ))
}

async fn view(app: &App, name: &str, version: Option<&str>) -> Result<GraphView> {
    let source = app
        .catalog
        .registry()
        .get_problem(name, version)
        .await
        .map_err(|error| {
            tracing::warn!(%error, problem = name, "a problem file cannot be read");
            refused(
                "unavailable",
                format!("the problem file of {name} cannot be read; the service logged why"),
            )
        })?;
    let source = source.ok_or_else(|| match version {
        Some(version) => refused(
            "unknown_version",
            format!("the registry has no version {version} of {name}"),
        ),
        None => refused("unknown_problem", format!("the registry has no problem {name}")),
    })?;
    let problem = Problem::from_yaml(&source.yaml).map_err(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        refused(
            "problem_refused",
            format!("the problem file is refused: {}", lines.join("; ")),
        )
    })?;
    let graph = Graph::parse(&problem.graph.to_json())
        .map_err(|error| refused("problem_refused", error.to_string()))?;
    Ok(GraphView {
        problem: problem.name.clone(),
        version: source.digest,
        model_graph: problem.graph_digest(),
        graph: Arc::new(graph),
    })
}
