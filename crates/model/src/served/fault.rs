//! Why an artifact is refused.

/// An inconsistency between an artifact, its own manifest and the problem it is to serve.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ModelFault {
    /// Another layout.
    #[error("manifest version {found} is not the {known} this program reads")]
    ManifestVersion {
        /// The manifest's.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// The bytes are not those the digest names.
    #[error("digest or version of {version} do not match its content")]
    Digest {
        /// The manifest's version.
        version: String,
    },
    /// A model of another problem.
    #[error("the model is of problem {found}, not {wanted}")]
    Problem {
        /// The manifest's problem.
        found: String,
        /// The problem served.
        wanted: String,
    },
    /// Graph, views, treatments or outcomes have changed since the fit.
    #[error("trained for problem part {found}, but {wanted} is served: train again")]
    ProblemChanged {
        /// The manifest's digest of the problem's model part.
        found: String,
        /// The served problem's.
        wanted: String,
    },
    /// Identification was assumed, not proved.
    #[error("its identification is assumed, not proved from a graph; such a model is never served")]
    Assumed,
    /// The features do not hash to `feature_hash`.
    #[error("feature_hash does not match the features listed")]
    FeatureHash,
    /// A feature that the problem cannot give, or gives otherwise.
    #[error("feature {name}: {fault}")]
    Feature {
        /// The view's name.
        name: String,
        /// What is wrong.
        fault: &'static str,
    },
    /// A basis term that cannot be evaluated.
    #[error("effect_basis[{index}]: {fault}")]
    Term {
        /// Its place.
        index: usize,
        /// What is wrong.
        fault: &'static str,
    },
    /// An effect that the problem does not know, or listed twice.
    #[error("effect of {arm} on {outcome}: {fault}")]
    Effect {
        /// The arm.
        arm: String,
        /// The outcome.
        outcome: String,
        /// What is wrong.
        fault: &'static str,
    },
    /// An array that is missing or malformed.
    #[error("array {name}: {fault}")]
    Array {
        /// Its name.
        name: String,
        /// What is wrong.
        fault: &'static str,
    },
}
