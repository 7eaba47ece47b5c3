//! The repository helpers as a person runs them.

mod same_answer;
