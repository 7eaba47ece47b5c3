//! Causal feature views: one definition, one pure incremental engine.
