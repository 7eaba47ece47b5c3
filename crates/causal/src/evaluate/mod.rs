//! Coverage, error and Wald statistics of effects against a known truth.
