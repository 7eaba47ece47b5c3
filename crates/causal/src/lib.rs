//! The causal core: graphs, identification, learners, scores, inference, effects, policies. Pure f64 mathematics.
