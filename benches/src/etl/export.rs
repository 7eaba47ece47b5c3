//! The same events and the dataset's rows as Parquet files that anybody reads.

use std::path::{Path, PathBuf};

use anyhow::Context;
use ceteris_chassis::pool;
use ceteris_contract::dataset::{Assignment, Column, Dataset};
use ceteris_contract::duration::Span;
use ceteris_etl::Made;
use ceteris_lake::{DatasetInfo, write_dataset_file};
use ceteris_synth::ecommerce::World;

use crate::shop;
use ceteris_terminal::Stage;

/// Where they lie.
pub(crate) struct Files {
    /// `unit, t, event_type, properties`, the properties as JSON text, as in the lake.
    pub(crate) events: PathBuf,
    /// The dataset.
    pub(crate) rows: PathBuf,
}

/// Writes both below `folder`.
pub(crate) async fn write(folder: &Path, world: &World, made: &Made) -> anyhow::Result<Files> {
    let stage = Stage::start("export", 0);
    let files = Files {
        events: folder.join("events.parquet"),
        rows: folder.join("rows.parquet"),
    };
    let (events, rows) = (files.events.clone(), files.rows.clone());
    let (world, dataset, info) = (world.clone(), made.dataset.clone(), made.info.clone());
    let work = move || -> anyhow::Result<()> {
        let all = all_events(&world)?;
        write_dataset_file(&events, &all, &DatasetInfo::default()).context("export the events")?;
        write_dataset_file(&rows, &dataset, &info).context("export the rows")?;
        Ok(())
    };
    pool::run(work).await.context("the export ended abnormally")??;
    stage.done("events and rows as Parquet");
    Ok(files)
}

/// Every event as a row; a dataset's file is Parquet with a unit, an instant, and columns.
fn all_events(world: &World) -> anyhow::Result<Dataset> {
    let identity = shop::identity(world);
    let (mut types, mut properties) = (Vec::new(), Vec::new());
    let mut events = Dataset::default();
    for event in world.batches(Span::days(1)).flat_map(|batch| batch.events) {
        let event = event.user_event().into_stored(&identity, event.at);
        events.unit.push(event.unit.key);
        events.t.push(event.ts);
        events.source.push(event.event_id);
        events.assignment.push(Assignment::Observed);
        events.weight.push(1.0);
        types.push(Some(event.event_type));
        properties.push(Some(serde_json::to_string(&event.properties)?));
    }
    events.columns = vec![
        ("event_type".to_owned(), Column::Text(types)),
        ("properties".to_owned(), Column::Text(properties)),
    ];
    Ok(events)
}
