//! From dataset to artifact: quality gate, identification, fit, diagnosis, publication.
