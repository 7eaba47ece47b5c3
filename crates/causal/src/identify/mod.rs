//! Identification: adjustment sets, the ID and IDC algorithms, estimands as trees.
