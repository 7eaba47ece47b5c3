//! Artifacts, problems and aliases over object storage.
