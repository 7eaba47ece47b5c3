//! What the demo ends with.

use std::collections::BTreeMap;

use anyhow::Context;
use ceteris_contract::decide::DecideReply;
use ceteris_contract::identity::hex;
use ceteris_contract::manifest::ServedEffect;
use ceteris_house::Trained;
use ceteris_synth::ecommerce::{Arm, World};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Options;
use crate::truth::wald;

const OUTCOME: &str = "purchase_decision";
const ARM: Arm = Arm::Coupon10;

/// Wall seconds by stage.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Seconds {
    pub(crate) simulate: f64,
    pub(crate) ingest: f64,
    pub(crate) etl: f64,
    pub(crate) train: f64,
    pub(crate) decide: f64,
}

/// What was measured on the way.
pub(crate) struct Measured<'a> {
    pub(crate) options: &'a Options,
    pub(crate) events: u64,
    pub(crate) rows: usize,
    pub(crate) ate_truth: f64,
    pub(crate) model: &'a Trained,
    pub(crate) answers: &'a [DecideReply],
    pub(crate) stored: u64,
}

/// Estimates and decisions beside the truth.
#[derive(Serialize)]
pub struct Report {
    seed: u64,
    users: u64,
    events: u64,
    dataset: DatasetPart,
    estimand: Value,
    ate: Ate,
    naive: Naive,
    units: Units,
    coefficients: Coefficients,
    decisions: Decisions,
    model: Model,
    seconds: Seconds,
}

#[derive(Serialize)]
struct DatasetPart {
    rows: usize,
    digest: String,
}

#[derive(Serialize)]
struct Ate {
    estimate: f64,
    ci: [f64; 2],
    truth: f64,
}

#[derive(Serialize)]
struct Naive {
    estimate: f64,
    ci: [f64; 2],
}

#[derive(Serialize)]
struct Units {
    n: usize,
    coverage: f64,
    rmse: f64,
    mean_std_error: f64,
}

/// The effect's coefficients against the true ones.
#[derive(Serialize)]
struct Coefficients {
    wald: f64,
    df: usize,
}

#[derive(Serialize)]
struct Decisions {
    answered: usize,
    /// SHA-256 over every decision's id, arm, propensity and effects, in the requests' order.
    digest: String,
    stored: u64,
    mean_effect_true_of_recommended: Option<f64>,
}

#[derive(Serialize)]
struct Model {
    version: String,
    digest: String,
}

impl Report {
    pub(crate) fn new(world: &World, measured: &Measured<'_>, seconds: Seconds) -> anyhow::Result<Report> {
        let what = &measured.model.manifest.what;
        let effect = served(measured.model)?;
        let (statistic, df) = wald(ARM, &what.effect_basis, effect, &measured.model.arrays)?;
        Ok(Report {
            seed: measured.options.seed,
            users: measured.options.users,
            events: measured.events,
            dataset: DatasetPart {
                rows: measured.rows,
                digest: what.dataset_digest.clone(),
            },
            estimand: effect.identification["on_average"]["estimand"].clone(),
            ate: Ate {
                estimate: effect.estimate,
                ci: effect.ci,
                truth: measured.ate_truth,
            },
            naive: Naive {
                estimate: effect.naive,
                ci: effect.naive_ci,
            },
            units: units(world, measured.answers)?,
            coefficients: Coefficients { wald: statistic, df },
            decisions: Decisions {
                answered: measured.answers.len(),
                digest: digest(measured.answers)?,
                stored: measured.stored,
                mean_effect_true_of_recommended: recommended(world, measured.answers)?,
            },
            model: Model {
                version: measured.model.manifest.version.clone(),
                digest: measured.model.manifest.digest.clone(),
            },
            seconds,
        })
    }
}

fn served(model: &Trained) -> anyhow::Result<&ServedEffect> {
    let mut effects = model.manifest.what.effects.iter();
    effects
        .find(|e| e.arm == ARM.id() && e.outcome == OUTCOME)
        .context("the model serves no effect of coupon_10pct")
}

/// Every asked user's own effect and interval, as the API answered it, against the truth; a user counts once.
fn units(world: &World, answers: &[DecideReply]) -> anyhow::Result<Units> {
    let mut once = BTreeMap::new();
    for answer in answers {
        once.entry(answer.user_id.as_str()).or_insert(answer);
    }
    let (mut n, mut covered, mut squares, mut errors) = (0usize, 0usize, 0.0, 0.0);
    for (user, answer) in once {
        let found = answer
            .effects
            .iter()
            .find(|effect| effect.treatment_id == ARM.id());
        let found = found.and_then(|e| Some((e.estimated_effect?, e.confidence_interval?, e.std_error?)));
        let Some((estimate, [low, high], std_error)) = found else {
            continue;
        };
        let truth = world
            .true_effects_at(user, answer.computed_at)?
            .of(ARM)
            .purchase_decision;
        n += 1;
        covered += usize::from((low..=high).contains(&truth));
        squares += (estimate - truth).powi(2);
        errors += std_error;
    }
    anyhow::ensure!(n > 0, "no decision carried an effect of coupon_10pct");
    let count = n as f64;
    Ok(Units {
        n,
        coverage: covered as f64 / count,
        rmse: (squares / count).sqrt(),
        mean_std_error: errors / count,
    })
}

/// Names what was decided: two fleets that decided the same, bit for bit, have the same digest.
fn digest(answers: &[DecideReply]) -> anyhow::Result<String> {
    let mut hash = Sha256::new();
    for answer in answers {
        let decided = (
            &answer.decision_id,
            &answer.recommended_treatment,
            answer.propensity,
            &answer.effects,
        );
        hash.update(serde_json::to_vec(&decided).context("write a decision")?);
    }
    Ok(hex(&hash.finalize()))
}

/// Mean true effect of the arms that were recommended, over the decisions that recommend one.
fn recommended(world: &World, answers: &[DecideReply]) -> anyhow::Result<Option<f64>> {
    let (mut n, mut sum) = (0usize, 0.0);
    for answer in answers {
        let Some(arm) = &answer.recommended_treatment else {
            continue;
        };
        let truth = world.true_effects_at(&answer.user_id, answer.computed_at)?;
        sum += truth
            .by_name(arm, OUTCOME)
            .with_context(|| format!("the truth of {arm}"))?;
        n += 1;
    }
    Ok((n > 0).then(|| sum / n as f64))
}

/// The report for people.
pub(crate) fn text(report: &Report, model: &Trained, explained: &[String]) -> String {
    let identification = served(model)
        .map(|effect| effect.identification.clone())
        .unwrap_or_default();
    let points = |x: f64| 100.0 * x;
    let mut lines = vec![
        format!(
            "\nidentified   {}",
            identification["on_average"]["words"]
                .as_str()
                .unwrap_or("see the manifest")
        ),
        format!(
            "             {}",
            identification["per_unit"]["proof"].as_str().unwrap_or_default()
        ),
    ];
    for missing in &model.manifest.what.not_served {
        lines.push(format!(
            "not served   {} on {}: {}",
            missing.treatment, missing.outcome, missing.reason
        ));
    }
    lines.push(format!(
        "\ncoupon_10pct on the probability of a purchase within 7 days, in points\n  average effect       {:+.2}  95 % interval [{:+.2}, {:+.2}]  truth {:+.2}\n  difference in means  {:+.2}  95 % interval [{:+.2}, {:+.2}]",
        points(report.ate.estimate),
        points(report.ate.ci[0]),
        points(report.ate.ci[1]),
        points(report.ate.truth),
        points(report.naive.estimate),
        points(report.naive.ci[0]),
        points(report.naive.ci[1]),
    ));
    lines.push(format!(
        "  units' own effects   {} asked, {:.1} % of their intervals hold the truth, root mean square error {:.2}, mean standard error {:.2}",
        report.units.n,
        points(report.units.coverage),
        points(report.units.rmse),
        points(report.units.mean_std_error),
    ));
    lines.push(format!(
        "\n{} decisions answered, {} stored; model {} from {} rows, {} events of {} users",
        report.decisions.answered,
        report.decisions.stored,
        report.model.version,
        report.dataset.rows,
        report.events,
        report.users,
    ));
    lines.extend(explained.iter().map(|text| format!("\n{text}")));
    lines.join("\n")
}
