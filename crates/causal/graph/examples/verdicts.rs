//! Verdicts by the line, for comparison with other engines (`benches/graphs/compare.py`): reads `graph <tab> treatments
//! <tab> outcomes <tab> conditions <tab> strategy` with names separated by commas, writes `yes|no|unknown <tab> strategy <tab>
//! adjustment sets <tab> least CPU nanoseconds of a call`.
#![allow(
    clippy::disallowed_methods,
    reason = "an example takes arguments, reads files and measures time"
)]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use ceteris_graph::Graph;
use ceteris_graph::identify::{Query, Strategy, identify};
use std::hint::black_box;
use std::io::BufRead;
use std::time::Instant;

fn names(cell: &str) -> Vec<String> {
    cell.split(',')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

fn main() {
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let [text, treatments, outcomes, given, strategy] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("five columns: {line}");
        };
        let graph = Graph::parse(text).unwrap();
        let query = Query::of(names(treatments), names(outcomes))
            .given(names(given))
            .by(Strategy::parse(strategy).unwrap());
        let answer = identify(&graph, &query).unwrap();
        let verdict = match answer.identifiable {
            Some(true) => "yes",
            Some(false) => "no",
            None => "unknown",
        };
        let brief = query.brief();
        // The least of many calls: what other work on the machine adds is not the engine's.
        let mut least = u128::MAX;
        let begin = Instant::now();
        for _ in 0..300 {
            let start = Instant::now();
            black_box(identify(black_box(&graph), &brief)).unwrap();
            least = least.min(start.elapsed().as_nanos());
            if begin.elapsed().as_millis() > 20 {
                break;
            }
        }
        let by = answer
            .strategy
            .map_or(String::new(), |by| format!("{by:?}").to_lowercase());
        let sets: Vec<String> = answer.adjustment_sets.iter().map(|set| set.join(",")).collect();
        println!("{verdict}\t{by}\t{{{}}}\t{least}", sets.join("} {"));
    }
}
