//! Tests of the whole workspace's programs, and the last word of a test run: cargo runs this package's tests last.

mod same_answer;
mod skipped;
