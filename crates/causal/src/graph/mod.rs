//! Causal graphs: ADMGs with roles, separation, ancestry and districts.
