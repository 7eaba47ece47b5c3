//! Nuisance learners and the bases they are fitted on.
