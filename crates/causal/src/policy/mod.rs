//! From effects to an action distribution.
