//! Why an answer is no: a hedge, an open path, or a node that may not be there. Serialised beside the answer, shown to
//! people, kept in manifests.

use crate::graph::OpenPath;
use serde::{Deserialize, Serialize};

/// The reason an effect is not identified, or not by the strategy asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Witness {
    /// Two C-forests prove that no formula exists (Shpitser & Pearl 2006). For a conditional effect `query` is the
    /// joint effect it comes down to after conditions that act as interventions became such.
    #[error("no formula gives {query}: {{{}}} and within it {{{}}} form a hedge with roots {{{}}}",
        forest.join(", "), inner.join(", "), roots.join(", "))]
    Hedge {
        /// The larger forest; it meets the treatments.
        forest: Vec<String>,
        /// The smaller forest within it; it does not.
        inner: Vec<String>,
        /// The roots both share.
        roots: Vec<String>,
        /// The effect that the hedge makes unidentifiable.
        query: String,
    },
    /// A district whose nodes would have to answer to both values of the treatment (Shpitser 2013).
    #[error("the district {{{}}} would have to answer to both values of the treatment: {direct} on a way past the \
        mediators, {mediated} on one through them", district.join(", "))]
    RecantingDistrict {
        /// The district, among what the treatment leaves of the outcome's ancestors.
        district: Vec<String>,
        /// A child of the treatment on a way past the mediators.
        direct: String,
        /// A child of the treatment on a way through them; perhaps the same.
        mediated: String,
    },
    /// Nothing that may be conditioned on closes this path.
    #[error("the path {path} and nothing allowed closes it")]
    OpenPath {
        /// The path and what it is open given.
        path: OpenPath,
    },
    /// A node that was asked for may not be conditioned on.
    #[error("{node} may not be conditioned on: {reason}")]
    Barred {
        /// The node.
        node: String,
        /// Why.
        reason: String,
    },
    /// The strategy asked for does not apply.
    #[error("{reason}")]
    Strategy {
        /// Why.
        reason: String,
    },
}
