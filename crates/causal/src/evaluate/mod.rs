//! Coverage, error and value of effects and policies against a truth or a log.
