//! User events and decisions from the log into online features and the lake; dead letters kept.
