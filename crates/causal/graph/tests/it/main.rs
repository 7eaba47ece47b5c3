//! Tests of graphs and identification from outside, most of them against oracles that share the graph type only.

mod graph_hostile;
mod graph_paths;
mod graph_separation;
mod graph_text;
mod graph_write;
mod identify_bounds;
mod identify_budget;
mod identify_calculus;
mod identify_certified;
mod identify_ecommerce;
mod identify_evaluate;
mod identify_mediation;
mod identify_optimal;
mod identify_selection;
mod identify_sets;
mod identify_textbook;
mod identify_twins;
mod identify_verma;
mod oracle;
