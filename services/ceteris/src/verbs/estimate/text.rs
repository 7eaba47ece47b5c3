//! What `ceteris estimate` says to people: the document in sentences.

use serde_json::Value;

use super::args::Estimate;

pub(super) fn text(args: &Estimate, document: &Value) -> String {
    let mut lines = match document["arms"].as_array() {
        None => vec![one(args, document)],
        Some(arms) => several(args, document, arms),
    };
    if let Some(curve) = document["curve"].as_array() {
        lines.extend(curve.iter().map(|point| {
            format!(
                "dose {} against {}: {} (std. error {}), 95 % band of all [{}, {}]",
                point["dose"],
                document["from"],
                number(&point["effect"]),
                number(&point["std_error"]),
                number(&point["joint_ci"][0]),
                number(&point["joint_ci"][1]),
            )
        }));
    }
    if let Some(reason) = document["reason"].as_str() {
        lines.push(format!("no interval: {reason}"));
    }
    if let (Some(rv), Some(rva)) = (
        document["sensitivity"]["rv"].as_f64(),
        document["sensitivity"]["rva"].as_f64(),
    ) {
        lines.push(format!(
            "a hidden confounder would have to explain {:.1} % of what is left of both treatment and outcome to take the estimate to zero, {:.1} % to take its interval there",
            100.0 * rv,
            100.0 * rva
        ));
    }
    if let Some(f) = document["instrument"]["first_stage_f"].as_f64() {
        lines.push(format!("first-stage F of the instrument: {f:.1}"));
    }
    for told in document["nuisance"]["flags"].as_array().into_iter().flatten() {
        lines.push(format!(
            "nuisance {}: {} in {} fits",
            told["nuisance"].as_str().unwrap_or_default(),
            told["flag"].as_str().unwrap_or_default(),
            told["fits"]
        ));
    }
    for flag in document["flags"].as_array().into_iter().flatten() {
        lines.push(format!(
            "flag: {}",
            meaning(flag.as_str().unwrap_or_default(), document["estimate"].is_null())
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

/// The one estimate.
fn one(args: &Estimate, document: &Value) -> String {
    format!(
        "{} of {} on {}: {} (std. error {}), 95 % interval [{}, {}], p = {:.4}, n = {}",
        document["estimand"].as_str().unwrap_or_default(),
        args.treatment,
        args.outcome,
        number(&document["estimate"]),
        number(&document["std_error"]),
        number(&document["ci"][0]),
        number(&document["ci"][1]),
        document["p_value"].as_f64().unwrap_or(f64::NAN),
        document["n"],
    )
}

/// A line an arm.
fn several(args: &Estimate, document: &Value, arms: &[Value]) -> Vec<String> {
    let control = document["control"].as_str().unwrap_or_default();
    arms.iter()
        .map(|arm| {
            format!(
                "{} of {} = {} against {control} on {}: {} (std. error {}), 95 % interval of all arms [{}, {}], \
                 adjusted p = {:.4}",
                document["estimand"].as_str().unwrap_or_default(),
                args.treatment,
                arm["arm"].as_str().unwrap_or_default(),
                args.outcome,
                number(&arm["estimate"]),
                number(&arm["std_error"]),
                number(&arm["joint_ci"][0]),
                number(&arm["joint_ci"][1]),
                arm["p_value_adjusted"].as_f64().unwrap_or(f64::NAN),
            )
        })
        .collect()
}

fn number(value: &Value) -> String {
    shown(value.as_f64().unwrap_or(f64::NAN))
}

/// Six decimals; in powers of ten where those would not be read.
fn shown(value: f64) -> String {
    if value != 0.0 && !(1e-4..1e12).contains(&value.abs()) && value.is_finite() {
        format!("{value:.6e}")
    } else {
        format!("{value:.6}")
    }
}

fn meaning(flag: &str, several: bool) -> &str {
    match flag {
        "overlap" if several => {
            "overlap (some rows hardly ever have one of the arms; --trim leaves them out)"
        }
        "overlap" => {
            "overlap (some rows hardly ever have one of the arms; --estimand overlap does not rest on them)"
        }
        "heavy_tail" => "heavy_tail (one unit carries much of the error; the interval may be too short)",
        "few_clusters" => "few_clusters (under fifty independent units; t(G - 1) with a corrected error)",
        "weak_instrument" => "weak_instrument (read the Anderson-Rubin set instead of the interval)",
        other => other,
    }
}
