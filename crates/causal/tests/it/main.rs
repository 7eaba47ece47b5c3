//! Tests of what the façade holds itself: a graph against data.

mod compatible;
