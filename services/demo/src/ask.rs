//! Decisions over HTTP, as a product service would ask for them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ceteris_contract::decide::{DecideReply, DecideRequest};
use ceteris_terminal::Stage;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::report::Seconds;

/// Requests in flight at once.
const IN_FLIGHT: usize = 16;
/// How long the API may take to serve a model after it was published.
const HOT_LOAD: Duration = Duration::from_secs(30);

/// Waits until the API serves `version`, then asks for every decision; replies in the requests' order.
///
/// Each request has an idempotency key that follows from the seed, so that the same world gets the same decision ids,
/// hence the same draws, wherever it is run.
pub(crate) async fn ask(
    base: &str,
    version: &str,
    seed: u64,
    requests: Vec<DecideRequest>,
    seconds: &mut Seconds,
) -> anyhow::Result<Vec<DecideReply>> {
    ceteris_chassis::object_storage::install_tls();
    let client = reqwest::Client::new();
    tokio::time::timeout(HOT_LOAD, served(&client, base, version))
        .await
        .map_err(|_| anyhow::anyhow!("the API did not load {version} in {} s", HOT_LOAD.as_secs()))??;
    let stage = Stage::start("decide", requests.len() as u64);
    let permits = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut tasks = JoinSet::new();
    let total = requests.len();
    for (index, request) in requests.into_iter().enumerate() {
        let permit = permits
            .clone()
            .acquire_owned()
            .await
            .context("a place in flight")?;
        let (client, url) = (client.clone(), format!("{base}/v1/decide"));
        tasks.spawn(async move {
            let key = format!("demo-{seed}-{index}");
            let reply = decide(&client, &url, &key, &request).await;
            drop(permit);
            reply.map(|reply| (index, reply))
        });
        stage.at(index as u64);
    }
    let mut replies: Vec<Option<DecideReply>> = vec![None; total];
    while let Some(done) = tasks.join_next().await {
        let (index, reply) = done.context("a request ended abnormally")??;
        replies[index] = Some(reply);
    }
    seconds.decide = stage.done(&format!("{total} decisions over HTTP"));
    Ok(replies.into_iter().flatten().collect())
}

async fn decide(
    client: &reqwest::Client,
    url: &str,
    key: &str,
    request: &DecideRequest,
) -> anyhow::Result<DecideReply> {
    let response = client
        .post(url)
        .header("idempotency-key", key)
        .json(request)
        .send()
        .await
        .context("ask for a decision")?;
    let status = response.status();
    if !status.is_success() {
        anyhow::bail!(
            "the API answered {status}: {}",
            response.text().await.unwrap_or_default()
        );
    }
    response.json().await.context("read a decision")
}

async fn served(client: &reqwest::Client, base: &str, version: &str) -> anyhow::Result<()> {
    loop {
        let models = client
            .get(format!("{base}/v1/models"))
            .send()
            .await
            .context("list the served models")?;
        if models
            .text()
            .await
            .context("list the served models")?
            .contains(version)
        {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
