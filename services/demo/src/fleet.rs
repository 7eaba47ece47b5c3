//! A fleet of separate services that learns: asked through object storage, and waited for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use ceteris_contract::dataset::Dataset;
use ceteris_contract::identity::IdentityKey;
use ceteris_contract::problem::Problem;
use ceteris_contract::time::Timestamp;
use ceteris_contract::topics::USER_EVENTS;
use ceteris_house::fleet::Fleet;
use ceteris_house::{Trained, simulated_secret};
use ceteris_lake::{Answer, DatasetRequest, Training};
use ceteris_terminal::{Stage, bad_input};

use crate::report::Seconds;

/// How often an answer is looked for.
const LOOK: Duration = Duration::from_millis(100);
/// How long a dataset, or a model, may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// Refuses a fleet that cannot be the simulated world of `seed`: one of real people, or with other problems or events.
pub(crate) async fn expect_world(fleet: &Fleet, seed: u64, problem: &Problem) -> anyhow::Result<()> {
    let probe = "somebody";
    if fleet.ports.identity.unit(probe) != IdentityKey::new(simulated_secret(seed)).unit(probe) {
        return Err(bad_input(format!(
            "CETERIS__IDENTITY__KEY is not that of the simulated world of --seed {seed}: `ceteris world --seed {seed}` prints its environment"
        )));
    }
    let ends = fleet
        .ports
        .log
        .end_offsets(USER_EVENTS)
        .await
        .context("read the log's ends")?;
    if ends.iter().any(|&end| end > 0) {
        return Err(bad_input(
            "user_events holds events already; a demo needs a new fleet",
        ));
    }
    let known = fleet.ports.registry.get_problem(&problem.name, None).await;
    known.context("read the problem")?.with_context(|| {
        format!(
            "problem {} is not registered: `ceteris provision --problem FILE` does it",
            problem.name
        )
    })?;
    Ok(())
}

/// Asks for a dataset as of `as_of`, and waits for it and for the model that the trainer makes of it.
pub(crate) async fn learn(
    fleet: &Fleet,
    problem: &Arc<Problem>,
    as_of: Timestamp,
    seed: u64,
    seconds: &mut Seconds,
) -> anyhow::Result<(Dataset, Trained)> {
    let datasets = &fleet.datasets;
    let request = DatasetRequest {
        problem: problem.name.clone(),
        as_of,
        seed,
        reason: "demo".to_owned(),
    };
    let id = datasets.request(&request).await.context("ask for a dataset")?;
    let stage = Stage::start("etl", 0);
    let answered = until("the ETL's answer", async || {
        datasets.answered(&problem.name, &id).await
    })
    .await?;
    let digest = match answered.answer {
        Answer::Dataset(digest) => digest,
        Answer::Failed(why) => anyhow::bail!("the ETL made no dataset: {why}"),
    };
    seconds.etl = stage.done(&format!("dataset {}", &digest[..12.min(digest.len())]));
    let stage = Stage::start("train", 0);
    let training = until("the trainer", async || {
        datasets.training(&problem.name, &digest).await
    })
    .await?;
    let version = match training {
        Training::Trained {
            version,
            promoted: true,
            ..
        } => version,
        Training::Trained {
            version,
            failed_gates,
            ..
        } => {
            anyhow::bail!("{version} is not promoted: {}", failed_gates.join("; "))
        }
        Training::Failed { error } => anyhow::bail!("the trainer made no model: {error}"),
        Training::Superseded { superseded_by } => {
            anyhow::bail!("the dataset was passed over for {superseded_by}")
        }
    };
    seconds.train = stage.done(&version);
    let (manifest, arrays) = fleet
        .ports
        .registry
        .load(&version)
        .await
        .context("load the model")?;
    let dataset = datasets
        .read(&problem.name, &digest)
        .await
        .context("read the dataset")?;
    Ok((dataset, Trained { manifest, arrays }))
}

/// Looks until there is an answer.
async fn until<T, E: std::error::Error + Send + Sync + 'static>(
    what: &str,
    look: impl AsyncFn() -> Result<Option<T>, E>,
) -> anyhow::Result<T> {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await.with_context(|| format!("look for {what}"))? {
            return Ok(found);
        }
        anyhow::ensure!(
            started.elapsed() < PATIENCE,
            "waited {} s for {what}",
            PATIENCE.as_secs()
        );
        tokio::time::sleep(LOOK).await;
    }
}
