//! The ETL and the trainer on a data folder, for a caller who waits for them. Left out: their workers, which answer requests
//! in object storage; a house does not run these. Progress is shown on stderr.

use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::Context;
use ceteris_chassis::pool;
use ceteris_contract::dataset::Dataset;
use ceteris_contract::problem::Problem;
use ceteris_contract::time::Timestamp;
use ceteris_etl::{Made, Request, Watermarks, Workers};
use ceteris_lake::DatasetInfo;
use ceteris_terminal::{Stage, bad_input};
use ceteris_trainer::{TrainError, TrainOptions, Trained};

use crate::folder::DataFolder;

impl DataFolder {
    /// Replays the lake into the dataset as of an instant.
    ///
    /// # Errors
    /// Those of the ETL.
    pub async fn dataset(&self, problem: &Problem, as_of: Timestamp, seed: u64) -> anyhow::Result<Made> {
        let stage = Stage::start("etl", u64::from(self.settings.buckets));
        let pool = Arc::new(
            rayon::ThreadPoolBuilder::new()
                .build()
                .context("start the CPU pool")?,
        );
        let progress = |progress: ceteris_etl::Progress| {
            stage.total(progress.total as u64);
            stage.at(progress.done as u64);
        };
        let workers = Workers {
            pool: &pool,
            work_dir: None,
            progress: &progress,
        };
        let request = Request {
            as_of,
            watermarks: Watermarks::All(as_of),
            seed,
            lake_version: None,
        };
        let made = ceteris_etl::run(&self.lake, problem, &request, &workers).await;
        let made = made.context("make the dataset")?;
        stage.done(&format!("{} rows", made.dataset.len()));
        Ok(made)
    }

    /// Trains on the CPU pool. The dataset is kept in the folder under its digest, so that what a model was trained on can
    /// be found.
    ///
    /// # Errors
    /// Data that lets nothing be served are the caller's bad input; others are those of the disk and of the trainer.
    pub async fn train(
        &self,
        problem: Arc<Problem>,
        data: Dataset,
        info: DatasetInfo,
        options: TrainOptions,
    ) -> anyhow::Result<Trained> {
        let folder = self.path.join("datasets");
        let stage = Stage::start("train", 0);
        let work = move || -> anyhow::Result<Trained> {
            std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
            let file = folder.join(format!("{}-{}.parquet", problem.name, &data.digest()[..12]));
            ceteris_lake::write_dataset_file(&file, &data, &info).context("keep the dataset")?;
            let trained = ceteris_trainer::train(&problem, &data, &options, &|at| {
                stage.total(at.total as u64);
                stage.at(at.done as u64);
                ControlFlow::Continue(())
            });
            let trained = trained.map_err(|error| match error {
                TrainError::Gate { .. } | TrainError::NothingIdentified { .. } => {
                    bad_input(error.to_string())
                }
                other => anyhow::Error::new(other),
            })?;
            stage.done(&format!("{} effects", trained.manifest.what.effects.len()));
            Ok(trained)
        };
        pool::run(work).await.context("train")?
    }

    /// Publishes a model, and points `production` at it if it passed every gate. Answers whether it did.
    ///
    /// # Errors
    /// Where the registry cannot be written to.
    pub async fn publish(&self, model: &Trained, now: Timestamp) -> anyhow::Result<bool> {
        ceteris_trainer::publish(&self.registry, model, now)
            .await
            .context("publish the model")
    }
}
