//! What the graph says of the claim that an estimate rests on.

use ceteris_causal::identify::{Query, Strategy, identify, valid_conditioning};
use serde_json::{Value, json};

use super::args::{Estimate, MethodArg};
use crate::output::bad_input;
use crate::verbs::identify::read_graph;

/// The proof; `"assumed"` without a graph.
pub(super) fn identification(args: &Estimate) -> anyhow::Result<Value> {
    let Some(path) = &args.graph else {
        return Ok(json!("assumed"));
    };
    let graph = read_graph(path)?;
    let ask = |strategy| {
        let query = Query::new(args.treatment.clone(), args.outcome.clone())
            .given(args.covariates.clone())
            .by(strategy);
        identify(&graph, &query).map_err(|error| bad_input(error.to_string()))
    };
    let inside = |given: &[String]| given.iter().all(|node| args.covariates.contains(node));
    match args.method {
        MethodArg::Pliv | MethodArg::Iivm => {
            let answer = ask(Strategy::Iv)?;
            let named = args.instrument.as_deref().unwrap_or_default();
            let proven = answer
                .instrument_sets
                .iter()
                .find(|s| s.instrument == named && inside(&s.given));
            let Some(set) = proven else {
                return Err(bad_input(format!(
                    "--instrument {named}: is no instrument in the graph given the covariates; it has: {}",
                    or_none(&answer.instruments)
                )));
            };
            Ok(json!({
                "strategy": "iv",
                "instrument": named,
                "given": set.given,
                "assumptions": if args.method == MethodArg::Iivm { ["monotonicity"] } else { ["one effect for all"] },
                "proof": format!("{named} reaches {} only through {} given the covariates", args.outcome, args.treatment),
            }))
        }
        MethodArg::Frontdoor => {
            let answer = ask(Strategy::Frontdoor)?;
            let same = |mediators: &[String]| {
                mediators.len() == args.mediator.len() && mediators.iter().all(|m| args.mediator.contains(m))
            };
            let proven = answer
                .front_door_sets
                .iter()
                .find(|s| same(&s.mediators) && inside(&s.given));
            let Some(set) = proven else {
                let doors: Vec<String> = answer
                    .front_door_sets
                    .iter()
                    .map(|s| format!("{{{}}}", s.mediators.join(", ")))
                    .collect();
                return Err(bad_input(format!(
                    "--mediator {}: is no front door in the graph given the covariates; it has: {}",
                    args.mediator.join(","),
                    or_none(&doors)
                )));
            };
            Ok(json!({
                "strategy": "frontdoor",
                "mediators": set.mediators,
                "given": set.given,
                "assumptions": [],
                "proof": format!("all of the effect of {} on {} passes {}, which share no open back door with either given the covariates", args.treatment, args.outcome, args.mediator.join(", ")),
            }))
        }
        MethodArg::Plr | MethodArg::Irm | MethodArg::Dose | MethodArg::Matching => {
            let proof = valid_conditioning(&graph, &args.treatment, &args.outcome, &args.covariates);
            let proof = proof.map_err(|witness| {
                bad_input(format!(
                    "--covariates do not identify the effect in the graph: {witness}"
                ))
            })?;
            Ok(json!(proof))
        }
    }
}

fn or_none(names: &[String]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}
