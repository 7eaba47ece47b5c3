//! Orthogonal scores as data: psi_a and psi_b.
