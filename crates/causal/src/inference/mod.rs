//! Standard errors, covariances and tests, from scores only.
