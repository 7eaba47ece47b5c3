//! Where a query begins.

use std::sync::Arc;

use async_graphql::{Context, Error, Object, Result};
use ceteris_causal::graph::Graph;
use ceteris_contract::problem::Problem;

use super::graph::GraphView;
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
        if !app.catalog.entries().contains_key(&problem) {
            return Err(Error::new(format!("no problem `{problem}` is served")));
        }
        view(app, &problem, version.as_deref()).await
    }
}

async fn view(app: &App, name: &str, version: Option<&str>) -> Result<GraphView> {
    let source = app
        .catalog
        .registry()
        .get_problem(name, version)
        .await
        .map_err(|error| {
            tracing::warn!(%error, problem = name, "a problem file cannot be read");
            Error::new(format!(
                "the problem file of {name} cannot be read; the service logged why"
            ))
        })?;
    let source = source.ok_or_else(|| {
        Error::new(match version {
            Some(version) => format!("the registry has no version {version} of {name}"),
            None => format!("the registry has no problem {name}"),
        })
    })?;
    let problem = Problem::from_yaml(&source.yaml).map_err(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Error::new(format!("the problem file is refused: {}", lines.join("; ")))
    })?;
    let graph = Graph::parse(&problem.graph.to_json()).map_err(|error| Error::new(error.to_string()))?;
    Ok(GraphView {
        problem: problem.name.clone(),
        version: source.digest,
        model_graph: problem.graph_digest(),
        graph: Arc::new(graph),
    })
}
