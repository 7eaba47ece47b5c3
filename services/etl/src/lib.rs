//! The lake replayed into a counterfactual dataset, one bucket a task.
