//! Identify a graph: draw it as text, ask for an effect, and read the formula and what to adjust for.
//!
//! `cargo run -p ceteris-causal --example identify_a_graph`
#![allow(clippy::print_stdout)]

use ceteris_causal::graph::Graph;
use ceteris_causal::graph::identify::{Query, identify};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Income moves both who gets a coupon and who buys; a visit lies between the coupon and the purchase.
    let graph = Graph::parse(
        "dag {
            income -> coupon ; income -> purchase
            coupon -> visit -> purchase
            coupon -> purchase
        }",
    )?;
    let answer = identify(&graph, &Query::new("coupon", "purchase"))?;
    match (&answer.latex, &answer.optimal_adjustment_set) {
        (Some(estimand), Some(set)) => {
            println!("estimand: {estimand}");
            println!("adjust for: {}", set.join(", "));
        }
        (Some(estimand), None) => println!("estimand: {estimand}"),
        (None, _) => println!("not identified"),
    }

    // Where income is not measured, no adjustment will do, and the answer holds the proof.
    let graph =
        Graph::parse("dag { income [latent] ; income -> coupon ; income -> purchase ; coupon -> purchase }")?;
    if let Some(witness) = identify(&graph, &Query::new("coupon", "purchase"))?.witness {
        println!("without income: {witness}");
    }
    Ok(())
}
