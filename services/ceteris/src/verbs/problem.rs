//! `ceteris problem check`: all faults of a file at once, and of a sound one which effects its graph lets be served.

use std::path::Path;

use anyhow::Context;
use ceteris_contract::problem::Problem;
use ceteris_terminal::{Format, bad_input, print};
use ceteris_trainer::{graph_of, identify_effects};
use serde_json::{Value, json};

use crate::verbs::read_text;

pub(crate) fn check(format: Format, file: &Path) -> anyhow::Result<()> {
    let text = read_text(file)?;
    match Problem::from_yaml(&text) {
        Ok(problem) => {
            let effects = effects(&problem)?;
            let document = json!({
                "ok": true,
                "problem": problem.name,
                "model_digest": problem.model_digest(),
                "policy_digest": problem.policy_digest(),
                "faults": [],
                "effects": effects,
            });
            print(format, &document, || {
                let (arms, outcomes) = (
                    problem.treatments.iter().map(|t| t.arms.len()).sum::<usize>(),
                    problem.outcomes.len(),
                );
                let mut lines = vec![format!(
                    "{}: problem {} is sound: {arms} arms, {outcomes} outcomes",
                    file.display(),
                    problem.name
                )];
                lines.extend(effects.iter().map(effect_text));
                lines.join("\n")
            })
        }
        Err(faults) => {
            let rows: Vec<_> = faults
                .iter()
                .map(|f| json!({"line": f.line, "column": f.column, "path": f.path, "problem": f.problem, "fix": f.fix}))
                .collect();
            let document = json!({"ok": false, "faults": rows});
            print(format, &document, || {
                faults
                    .iter()
                    .map(|fault| format!("{}: {fault}", file.display()))
                    .collect::<Vec<_>>()
                    .join("\n")
            })?;
            Err(bad_input(format!(
                "{} has {} faults",
                file.display(),
                faults.len()
            )))
        }
    }
}

/// What the graph says of every treatment on every outcome: served with the set that is adjusted for, or why not.
fn effects(problem: &Problem) -> anyhow::Result<Vec<Value>> {
    let graph = graph_of(problem).context("build the problem's graph")?;
    let found = identify_effects(problem, &graph).context("identify the problem's effects")?;
    let served = found.proven.iter().map(|proof| {
        json!({
            "treatment": problem.treatments[proof.treatment].name,
            "outcome": problem.outcomes[proof.outcome].name,
            "served": true,
            "covariates": proof.conditioning.covariates,
            "adjustment_set": proof.conditioning.adjustment_set,
        })
    });
    let refused = found.not_served.iter().map(|effect| {
        json!({
            "treatment": effect.treatment,
            "outcome": effect.outcome,
            "served": false,
            "reason": effect.reason,
            "witness": effect.witness,
        })
    });
    Ok(served.chain(refused).collect())
}

fn effect_text(effect: &Value) -> String {
    let word = |key: &str| effect[key].as_str().unwrap_or_default().to_owned();
    let head = format!("  {} on {}", word("treatment"), word("outcome"));
    if effect["served"] == true {
        let names: Vec<&str> = effect["adjustment_set"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        format!("{head}: served, adjusted for {{{}}}", names.join(", "))
    } else {
        format!("{head}: not served per unit: {}", word("reason"))
    }
}
