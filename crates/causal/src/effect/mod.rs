//! Effects per unit: projections of doubly robust scores on an effect basis.
