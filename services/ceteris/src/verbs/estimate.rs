//! `ceteris estimate`: double machine learning on a table of the user's own.

use ceteris_causal::diagnose::overlap::overlap;
use ceteris_causal::diagnose::sensitivity::{self, Confounding};
use ceteris_causal::dml::{
    DmlError, DmlParams, Estimand, FoldPlan, PropensitySource, Rows, interactive, partially_linear, unwatched,
};
use ceteris_causal::identify::valid_conditioning;
use ceteris_causal::inference::{Clusters, Estimate as Found};
use ceteris_causal::learner::{
    BasisParams, Classifier, Column, Design, Linear, Logistic, Probability, Regressor,
};
use ceteris_causal::sample::{Unit, hash};
use ceteris_trainer::table::Table;
use ndarray::Array2;
use serde_json::{Value, json};

use crate::cli::{EstimandArg, Estimate, Format, LearnerArg, MethodArg};
use crate::output::{bad_input, print};
use crate::verbs::identify::read_graph;

/// Level of the interval.
const LEVEL: f64 = 0.95;
/// Penalty of `ridge` and `logit_l2` on standardised terms.
const PENALTY: f64 = 1.0;
/// Knots of the spline learners.
const KNOTS: usize = 6;

/// The rows of one estimate.
struct Data {
    y: Vec<f64>,
    d: Vec<f64>,
    x: Design,
    units: Vec<Unit>,
    folds: FoldPlan,
}

pub(crate) fn run(format: Format, args: &Estimate) -> anyhow::Result<()> {
    check(args)?;
    let identification = identification(args)?;
    let data = read(args)?;
    check_learners(args, &data)?;
    let params = DmlParams {
        folds: data.folds.clone(),
        repeats: args.repeats as usize,
        seed: args.seed,
        clip: args.clip,
        trim: None,
    };
    let params = params.check().map_err(refused)?;
    let rows = Rows {
        x: &data.x,
        units: &data.units,
        weights: None,
    };
    let mut document = match args.method {
        MethodArg::Plr => plr(args, &data, &params, &rows)?,
        MethodArg::Irm => irm(args, &data, &params, &rows)?,
    };
    document["identification"] = identification;
    print(format, &document, || text(args, &document))
}

/// Refuses flags that contradict each other or lie outside their range, each by name.
fn check(args: &Estimate) -> anyhow::Result<()> {
    if args.outcome == args.treatment {
        return Err(bad_input(format!(
            "--treatment {}: is the outcome too; name another column",
            args.treatment
        )));
    }
    for (at, name) in args.covariates.iter().enumerate() {
        if name.is_empty()
            || *name == args.outcome
            || *name == args.treatment
            || args.covariates[..at].contains(name)
        {
            return Err(bad_input(format!(
                "--covariates: `{name}` is empty, named twice, or the outcome or treatment; leave it out"
            )));
        }
    }
    for (flag, share) in [("--cf-y", args.cf_y), ("--cf-d", args.cf_d)] {
        if !(0.0..1.0).contains(&share) {
            return Err(bad_input(format!(
                "{flag} {share}: give a share from 0 to below 1"
            )));
        }
    }
    if !(0.0..0.5).contains(&args.clip) {
        return Err(bad_input(format!(
            "--clip {}: give a propensity from 0 to below 0.5",
            args.clip
        )));
    }
    if args.folds < 2 || args.repeats == 0 {
        return Err(bad_input("--folds takes at least 2, --repeats at least 1"));
    }
    Ok(())
}

/// Probabilities are learned of zeros and ones only.
fn check_learners(args: &Estimate, data: &Data) -> anyhow::Result<()> {
    let stray = |values: &[f64]| {
        values
            .iter()
            .copied()
            .find(|value| *value != 0.0 && *value != 1.0)
    };
    let logit = |learner: LearnerArg| {
        matches!(
            learner,
            LearnerArg::Logit | LearnerArg::LogitL2 | LearnerArg::SplineLogitL2
        )
    };
    if args.method == MethodArg::Irm
        && let Some(value) = stray(&data.d)
    {
        return Err(bad_input(format!(
            "--treatment {}: irm needs 0 and 1, the column has {value}; use --method plr",
            args.treatment
        )));
    }
    for (flag, learner, column, values) in [
        (
            "--learner-outcome",
            Some(args.learner_outcome),
            &args.outcome,
            &data.y,
        ),
        (
            "--learner-treatment",
            args.learner_treatment,
            &args.treatment,
            &data.d,
        ),
    ] {
        if learner.is_some_and(logit)
            && let Some(value) = stray(values)
        {
            return Err(bad_input(format!(
                "{flag}: a logit needs 0 and 1, column {column} has {value}"
            )));
        }
    }
    Ok(())
}

/// What the fit refuses is about the data: the whole chain of causes says which.
fn refused(error: DmlError) -> anyhow::Error {
    bad_input(format!("{:#}", anyhow::Error::new(error)))
}

fn identification(args: &Estimate) -> anyhow::Result<Value> {
    let Some(path) = &args.graph else {
        return Ok(json!("assumed"));
    };
    let graph = read_graph(path)?;
    let proof =
        valid_conditioning(&graph, &args.treatment, &args.outcome, &args.covariates).map_err(|witness| {
            bad_input(format!(
                "--covariates do not identify the effect in the graph: {witness}"
            ))
        })?;
    Ok(json!(proof))
}

fn read(args: &Estimate) -> anyhow::Result<Data> {
    let table =
        Table::read(&args.data).map_err(|error| bad_input(format!("{}: {error}", args.data.display())))?;
    let numbers = |column: &str| -> anyhow::Result<Vec<f64>> {
        let values = table
            .numbers(column)
            .map_err(|fault| bad_input(fault.to_string()))?;
        match values.iter().position(|value| value.is_nan()) {
            Some(row) => {
                let line = table.lines()[row];
                Err(bad_input(format!(
                    "line {line}, column {column}: is empty; leave out rows with missing values"
                )))
            }
            None => Ok(values),
        }
    };
    let mut columns = Vec::with_capacity(args.covariates.len());
    for name in &args.covariates {
        columns.push(covariate(&table, name, &numbers)?);
    }
    let units = match &args.cluster {
        None => Unit::one_per_row(table.len()),
        Some(column) => {
            let cells = table
                .text(column)
                .ok_or_else(|| bad_input(format!("--cluster: no column {column}")))?;
            cells
                .iter()
                .map(|cell| unit_of(cell.as_deref().unwrap_or_default()))
                .collect()
        }
    };
    let folds = match &args.fold_column {
        None => FoldPlan::ByUnit {
            k: args.folds as usize,
        },
        Some(column) => {
            let labels = numbers(column)?;
            if let Some(bad) = labels.iter().find(|label| label.fract() != 0.0 || **label < 0.0) {
                return Err(bad_input(format!(
                    "--fold-column {column}: {bad} is no fold; number them from 0"
                )));
            }
            FoldPlan::Given(labels.into_iter().map(|label| label as u32).collect())
        }
    };
    Ok(Data {
        y: numbers(&args.outcome)?,
        d: numbers(&args.treatment)?,
        x: Design::from_columns(columns).map_err(|error| bad_input(error.to_string()))?,
        units,
        folds,
    })
}

/// A column of numbers as it is; any other as a category.
fn covariate(
    table: &Table,
    name: &str,
    numbers: &dyn Fn(&str) -> anyhow::Result<Vec<f64>>,
) -> anyhow::Result<(Column, Vec<f64>)> {
    if table.text(name).is_none() || table.numbers(name).is_ok() {
        return Ok((Column::numeric(name), numbers(name)?));
    }
    let counts = table.levels(name).map_err(|fault| bad_input(fault.to_string()))?;
    let levels: Vec<String> = counts.into_keys().map(str::to_owned).collect();
    let position = |cell: &Option<String>| {
        let level = cell.as_ref().and_then(|cell| levels.binary_search(cell).ok());
        level.map_or(f64::NAN, |level| level as f64)
    };
    let values = table
        .text(name)
        .unwrap_or_default()
        .iter()
        .map(position)
        .collect();
    Ok((Column::categorical(name, levels.clone()), values))
}

/// A unit's key from its name in the file.
fn unit_of(name: &str) -> Unit {
    let mut key = [0u8; 16];
    key[..8].copy_from_slice(&hash(0, name.as_bytes(), 1).to_le_bytes());
    key[8..].copy_from_slice(&hash(0, name.as_bytes(), 2).to_le_bytes());
    Unit::from(key)
}

fn regressor(learner: LearnerArg) -> anyhow::Result<Box<dyn Regressor>> {
    Ok(match learner {
        LearnerArg::Ols => Box::new(Linear::ols(BasisParams::LINEAR)),
        LearnerArg::Ridge => Box::new(Linear::ridge_gcv(BasisParams::LINEAR)),
        LearnerArg::SplineRidge => {
            Box::new(Linear::ridge_gcv(BasisParams::spline(KNOTS).with_interactions()))
        }
        LearnerArg::Logit => Box::new(Probability(Logistic::logit(BasisParams::LINEAR))),
        LearnerArg::LogitL2 => Box::new(Probability(Logistic::logit_l2(BasisParams::LINEAR, PENALTY))),
        LearnerArg::SplineLogitL2 => Box::new(Probability(Logistic::logit_l2(
            BasisParams::spline(KNOTS).with_interactions(),
            PENALTY,
        ))),
    })
}

fn classifier(learner: LearnerArg) -> anyhow::Result<Box<dyn Classifier>> {
    Ok(match learner {
        LearnerArg::Logit => Box::new(Logistic::logit(BasisParams::LINEAR)),
        LearnerArg::LogitL2 => Box::new(Logistic::logit_l2(BasisParams::LINEAR, PENALTY)),
        LearnerArg::SplineLogitL2 => Box::new(Logistic::logit_l2(
            BasisParams::spline(KNOTS).with_interactions(),
            PENALTY,
        )),
        LearnerArg::Ols | LearnerArg::Ridge | LearnerArg::SplineRidge => {
            return Err(bad_input(
                "--learner-treatment: irm needs probabilities; give logit, logit_l2 or spline_logit_l2",
            ));
        }
    })
}

fn plr(
    args: &Estimate,
    data: &Data,
    params: &ceteris_causal::dml::ValidDmlParams,
    rows: &Rows<'_>,
) -> anyhow::Result<Value> {
    if args.estimand == EstimandArg::Att {
        return Err(bad_input(
            "--estimand att: the partially linear model has one coefficient; use --method irm",
        ));
    }
    let ml_l = regressor(args.learner_outcome)?;
    let ml_m = regressor(args.learner_treatment.unwrap_or(LearnerArg::Ols))?;
    let fitted =
        partially_linear(params, rows, &data.y, &data.d, &*ml_l, &*ml_m, &unwatched).map_err(refused)?;
    let nuisances = &fitted.repeats[0].nuisances;
    let weights = vec![1.0; data.y.len()];
    let clusters = Clusters::by_unit(&data.units);
    let strength = sensitivity::partially_linear(
        &data.y,
        &data.d,
        &nuisances.l_hat,
        &nuisances.m_hat,
        &weights,
        &clusters,
    )
    .map_err(|error| bad_input(error.to_string()))?;
    let confounding = Confounding {
        cf_y: args.cf_y,
        cf_d: args.cf_d,
        rho: 1.0,
    };
    let bounds = strength.bounds(confounding, LEVEL);
    let mut document = common(
        args,
        &fitted.estimate,
        "overlap-weighted partially linear coefficient",
    );
    document["nuisance"] = json!({
        "rmse_outcome": rmse(&data.y, &nuisances.l_hat),
        "rmse_treatment": rmse(&data.d, &nuisances.m_hat),
        "flags": fitted.flags,
    });
    document["overlap"] = Value::Null;
    document["sensitivity"] = json!({
        "cf_y": args.cf_y,
        "cf_d": args.cf_d,
        "rho": 1.0,
        "bounds": bounds.map(|bounds| bounds.ci),
        "theta_bounds": bounds.map(|bounds| bounds.theta),
        "rv": strength.robustness_value(0.0, 1.0),
        "rva": strength.robustness_value_with_confidence(0.0, 1.0, LEVEL),
    });
    Ok(document)
}

fn irm(
    args: &Estimate,
    data: &Data,
    params: &ceteris_causal::dml::ValidDmlParams,
    rows: &Rows<'_>,
) -> anyhow::Result<Value> {
    let ml_g = regressor(args.learner_outcome)?;
    let ml_m = classifier(args.learner_treatment.unwrap_or(LearnerArg::Logit))?;
    let estimand = match args.estimand {
        EstimandArg::Ate => Estimand::Ate,
        EstimandArg::Att => Estimand::Att,
    };
    let source = PropensitySource::Learned(&*ml_m);
    let fitted = interactive(
        params, rows, &data.y, &data.d, estimand, source, &*ml_g, &unwatched,
    )
    .map_err(refused)?;
    let nuisances = &fitted.repeats[0].nuisances;
    let arms: Vec<usize> = data.d.iter().map(|d| *d as usize).collect();
    let m = Array2::from_shape_fn((arms.len(), 2), |(row, arm)| {
        if arm == 1 {
            nuisances.m[row]
        } else {
            1.0 - nuisances.m[row]
        }
    });
    let g = |row: usize| {
        if arms[row] == 1 {
            nuisances.g1[row]
        } else {
            nuisances.g0[row]
        }
    };
    let predicted: Vec<f64> = (0..arms.len()).map(g).collect();
    let name = match args.estimand {
        EstimandArg::Ate => "average effect",
        EstimandArg::Att => "average effect on the treated",
    };
    let mut document = common(args, &fitted.estimate, name);
    document["nuisance"] = json!({ "rmse_outcome": rmse(&data.y, &predicted), "flags": fitted.flags });
    document["overlap"] = json!({
        "arms": overlap(m.view(), &arms, &vec![1.0; arms.len()], args.clip),
        "clip": nuisances.clip,
    });
    document["sensitivity"] = Value::Null;
    Ok(document)
}

fn common(args: &Estimate, found: &Found, estimand: &str) -> Value {
    json!({
        "estimate": found.estimate,
        "std_error": found.std_error,
        "ci": found.ci(LEVEL),
        "p_value": found.p_value(),
        "n": found.n,
        "clusters": found.clusters,
        "few_clusters": found.few_clusters(),
        "estimand": estimand,
        "method": match args.method {
            MethodArg::Plr => "plr",
            MethodArg::Irm => "irm",
        },
    })
}

fn rmse(observed: &[f64], predicted: &[f64]) -> f64 {
    let squares: f64 = observed.iter().zip(predicted).map(|(o, p)| (o - p).powi(2)).sum();
    (squares / observed.len() as f64).sqrt()
}

fn text(args: &Estimate, document: &Value) -> String {
    let number = |name: &str| document[name].as_f64().unwrap_or(f64::NAN);
    let mut lines = vec![format!(
        "{} of {} on {}: {:.6} (std. error {:.6}), 95 % interval [{:.6}, {:.6}], p = {:.4}, n = {}",
        document["estimand"].as_str().unwrap_or_default(),
        args.treatment,
        args.outcome,
        number("estimate"),
        number("std_error"),
        document["ci"][0].as_f64().unwrap_or(f64::NAN),
        document["ci"][1].as_f64().unwrap_or(f64::NAN),
        number("p_value"),
        document["n"],
    )];
    if let Some(sensitivity) = document["sensitivity"].as_object() {
        lines.push(format!(
            "a hidden confounder would have to explain {:.1} % of what is left of both treatment and outcome to take the estimate to zero, {:.1} % to take its interval there",
            100.0 * sensitivity["rv"].as_f64().unwrap_or(f64::NAN),
            100.0 * sensitivity["rva"].as_f64().unwrap_or(f64::NAN)
        ));
    }
    lines.push(match &document["identification"] {
        Value::String(_) => {
            "identification: assumed; the covariates are your claim (give --graph to prove them)".to_owned()
        }
        proof => format!("identification: {}", proof["proof"].as_str().unwrap_or_default()),
    });
    lines.join("\n")
}
