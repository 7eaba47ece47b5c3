//! `ceteris problem check`: all faults of a file at once.

use std::path::Path;

use ceteris_contract::problem::Problem;
use serde_json::json;

use crate::cli::Format;
use crate::output::{bad_input, print};
use crate::verbs::read_text;

pub(crate) fn check(format: Format, file: &Path) -> anyhow::Result<()> {
    let text = read_text(file)?;
    match Problem::from_yaml(&text) {
        Ok(problem) => {
            let document = json!({
                "ok": true,
                "problem": problem.name,
                "model_digest": problem.model_digest(),
                "policy_digest": problem.policy_digest(),
                "faults": [],
            });
            print(format, &document, || {
                let (arms, outcomes) = (
                    problem.treatments.iter().map(|t| t.arms.len()).sum::<usize>(),
                    problem.outcomes.len(),
                );
                format!(
                    "{}: problem {} is sound: {arms} arms, {outcomes} outcomes",
                    file.display(),
                    problem.name
                )
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
