//! `ceteris run`: train from a table with one row per unit, publish, serve.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use ceteris_chassis::clock::Clock;
use ceteris_chassis::pool;
use ceteris_contract::dataset::Dataset;
use ceteris_contract::problem::{Problem, Source};
use ceteris_house::{DataFolder, House, Origin, Scratch, TrainOptions, Trained, any_port, loopback_only};
use ceteris_lake::DatasetInfo;
use ceteris_table::Table;
use ceteris_terminal::{Format, bad_input, print};
use ceteris_trainer::table::dataset_from_table;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::cli::Run;
use crate::verbs::read_problem;

#[derive(Serialize)]
struct Report {
    model: ModelName,
    dataset: DatasetName,
    outcomes: Vec<OutcomeReport>,
    not_served: Vec<Value>,
    production: bool,
    data_dir: PathBuf,
}

#[derive(Serialize)]
struct ModelName {
    version: String,
    digest: String,
}

#[derive(Serialize)]
struct DatasetName {
    rows: usize,
    digest: String,
}

#[derive(Serialize)]
struct OutcomeReport {
    outcome: String,
    arms: Vec<ArmReport>,
}

#[derive(Serialize)]
struct ArmReport {
    arm: String,
    estimate: f64,
    std_error: f64,
    ci: [f64; 2],
    p_value: f64,
    naive: f64,
    naive_ci: [f64; 2],
}

pub(crate) async fn run(format: Format, args: Run) -> anyhow::Result<()> {
    let (problem, yaml) = read_problem(&args.problem)?;
    if !matches!(problem.source, Source::Table { .. }) {
        return Err(bad_input(format!(
            "{} is a problem over events; `run` takes one over a table (source: table)",
            args.problem.display()
        )));
    }
    if args.folds < 2 {
        return Err(bad_input("--folds: give at least 2"));
    }
    let listen = loopback_only(args.listen.unwrap_or_else(any_port))?;
    let (table, data) = read_data(&problem, &args.data).await?;
    if args.folds as usize > data.len() / 2 {
        return Err(bad_input(format!(
            "--folds {}: the table has {} rows; give fewer folds",
            args.folds,
            data.len()
        )));
    }
    let example = example(&problem, &table);
    let scratch = Scratch::new(args.data_dir.as_deref(), "run")?;
    let folder = DataFolder::open(scratch.path(), Origin::Real).await?;
    let model = fit(&folder, &problem, &yaml, data, &args).await?;
    let report = report(&model, scratch.path().to_path_buf());
    print(format, &report, || text(&problem, &report))?;
    if args.once {
        folder.store.close().await;
        return Ok(());
    }
    let problems = folder.problems().await?;
    let metrics_listen = args.metrics_listen.unwrap_or_else(any_port);
    let house = House::start(folder, &problems, listen, metrics_listen).await?;
    eprintln!(
        "\nserving until Ctrl-C; the next decision:\n\ncurl -s http://{}/v1/decide -H 'content-type: application/json' -d '{example}'",
        house.addresses.api
    );
    house.serve().await
}

async fn read_data(problem: &Problem, path: &Path) -> anyhow::Result<(Table, Dataset)> {
    let (problem, path) = (problem.clone(), path.to_path_buf());
    pool::run(move || {
        let table = Table::read(&path).map_err(|error| bad_input(format!("{}: {error}", path.display())))?;
        let data = dataset_from_table(&problem, &table).map_err(|faults| {
            let lines: Vec<String> = faults.iter().map(|fault| format!("  {fault}")).collect();
            bad_input(format!(
                "{} does not fit problem {}\n{}",
                path.display(),
                problem.name,
                lines.join("\n")
            ))
        })?;
        Ok((table, data))
    })
    .await
    .context("read the table")?
}

async fn fit(
    folder: &DataFolder,
    problem: &Problem,
    yaml: &str,
    data: Dataset,
    args: &Run,
) -> anyhow::Result<Trained> {
    let now = Clock::Wall.now();
    let options = TrainOptions {
        seed: args.seed,
        folds: args.folds,
        now,
        as_of: None,
        lake_versions: BTreeMap::new(),
    };
    folder
        .registry
        .put_problem(&problem.name, yaml, now)
        .await
        .context("register the problem")?;
    let info = DatasetInfo {
        problem: problem.name.clone(),
        as_of: None,
    };
    let model = folder
        .train(Arc::new(problem.clone()), data, info, options)
        .await?;
    folder.publish(&model, now).await?;
    Ok(model)
}

fn report(model: &Trained, data_dir: PathBuf) -> Report {
    let what = &model.manifest.what;
    let mut outcomes = Vec::<OutcomeReport>::new();
    for effect in &what.effects {
        let arm = ArmReport {
            arm: effect.arm.clone(),
            estimate: effect.estimate,
            std_error: effect.std_error,
            ci: effect.ci,
            p_value: effect.p_value,
            naive: effect.naive,
            naive_ci: effect.naive_ci,
        };
        match outcomes.iter_mut().find(|found| found.outcome == effect.outcome) {
            Some(found) => found.arms.push(arm),
            None => outcomes.push(OutcomeReport {
                outcome: effect.outcome.clone(),
                arms: vec![arm],
            }),
        }
    }
    let missing = what.not_served.iter();
    Report {
        model: ModelName {
            version: model.manifest.version.clone(),
            digest: model.manifest.digest.clone(),
        },
        dataset: DatasetName {
            rows: what.rows as usize,
            digest: what.dataset_digest.clone(),
        },
        outcomes,
        not_served: missing
            .map(|m| json!({"treatment": m.treatment, "arm": m.witness["arm"], "outcome": m.outcome, "reason": m.reason}))
            .collect(),
        production: model.failed_gates().is_empty(),
        data_dir,
    }
}

fn text(problem: &Problem, report: &Report) -> String {
    let mut lines = vec![format!(
        "model {} from {} rows",
        report.model.version, report.dataset.rows
    )];
    for outcome in &report.outcomes {
        let primary = if problem.primary_outcome().name == outcome.outcome {
            " (primary)"
        } else {
            ""
        };
        lines.push(format!(
            "\n{}{primary}, average effect against control, 95 % interval",
            outcome.outcome
        ));
        for arm in &outcome.arms {
            lines.push(format!(
                "  {:<16} {:>9.5} ± {:.5}  [{:.5}, {:.5}]  (difference in means {:.5})",
                arm.arm,
                arm.estimate,
                (arm.ci[1] - arm.ci[0]) / 2.0,
                arm.ci[0],
                arm.ci[1],
                arm.naive
            ));
        }
    }
    for missing in &report.not_served {
        let word = |name: &str| missing[name].as_str().unwrap_or_default().to_owned();
        let given = missing["arm"]
            .as_str()
            .map_or_else(|| word("treatment"), str::to_owned);
        lines.push(format!(
            "\n{given} on {}: not served, {}",
            word("outcome"),
            word("reason")
        ));
    }
    if !report.production {
        lines.push("\nnot promoted: a gate was not passed".to_owned());
    }
    lines.join("\n")
}

/// A request for the covariates of the table's first row.
fn example(problem: &Problem, table: &Table) -> String {
    use ceteris_contract::problem::{ViewKind, ViewSource};
    let mut context = Map::new();
    for view in problem.decision_views() {
        let ViewSource::Column { column } = &view.from else {
            continue;
        };
        let cell = table
            .text(column)
            .and_then(|cells| cells.first())
            .and_then(Option::as_deref);
        let value = match (view.kind, cell) {
            (_, None) => Value::Null,
            (ViewKind::Numeric, Some(text)) => text.parse::<f64>().map_or(Value::Null, Value::from),
            (ViewKind::Categorical, Some(text)) => Value::from(text),
        };
        context.insert(view.name.clone(), value);
    }
    let candidates: Vec<Value> = problem
        .treatments
        .iter()
        .flat_map(|treatment| {
            treatment
                .arms
                .iter()
                .map(move |arm| json!({"treatment_id": arm.id, "type": treatment.name}))
        })
        .collect();
    json!({"user_id": "somebody", "context": context, "available_treatments": candidates}).to_string()
}
