//! The decision API: POST /v1/decide and its family.
