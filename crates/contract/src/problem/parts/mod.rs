//! The three parts of a problem and their digests: what a model depends on, what may change without training again, and
//! what judges a model. Descriptions, comments and layout are in none of them.
//!
//! A key that stands at its default is left out of a part. A new key of a problem file therefore changes the digest of
//! no file that does not use it, and what was published under that digest stays in use. Each part takes a problem to
//! pieces without `..`, so that a new key does not compile before it was given to a part.

mod model;
mod one_form;
mod operation;
mod policy;

use serde::Serialize;
use sha2::{Digest, Sha256};

pub use model::ModelPart;
pub use operation::OperationPart;
pub use policy::PolicyPart;

use super::Problem;
use crate::identity::hex;

/// The digests by which a manifest may pin the model part of one problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelDigests {
    /// Digest of the model part: what manifests pin today.
    pub current: String,
    /// Digest of the one form of model part and gates: what manifests pinned before the problem had three parts.
    pub one_form: String,
}

impl ModelDigests {
    /// True if a model whose manifest pins this digest was trained for the problem.
    pub fn has(&self, pinned: &str) -> bool {
        pinned == self.current || pinned == self.one_form
    }
}

impl Problem {
    /// What a model depends on.
    pub fn model_part(&self) -> ModelPart<'_> {
        ModelPart::of(self)
    }

    /// What may change without training again.
    pub fn policy_part(&self) -> PolicyPart<'_> {
        PolicyPart::of(self)
    }

    /// What judges a model.
    pub fn operation_part(&self) -> OperationPart {
        OperationPart::of(self)
    }

    /// Digest of the model part: graph, views, treatments without costs, outcomes without weights, basis, propensity
    /// clip.
    pub fn model_digest(&self) -> String {
        digest_of(&self.model_part())
    }

    /// Digest of the policy part: costs, weights, policy, fallback rules.
    pub fn policy_digest(&self) -> String {
        digest_of(&self.policy_part())
    }

    /// Digest of the operation part: the gates without the propensity clip, with which a model is fitted.
    pub fn operation_digest(&self) -> String {
        digest_of(&self.operation_part())
    }

    /// Every digest by which a manifest may pin the model part.
    pub fn model_digests(&self) -> ModelDigests {
        ModelDigests {
            current: self.model_digest(),
            one_form: digest_of(&one_form::OneForm::of(self)),
        }
    }

    /// Digest of the graph alone.
    pub fn graph_digest(&self) -> String {
        digest_of(&self.graph)
    }

    /// Digest of the whole file's content.
    pub fn digest(&self) -> String {
        digest_of(self)
    }
}

/// The value, or nothing where it is the default.
fn unless<T: PartialEq>(value: T, default: T) -> Option<T> {
    (value != default).then_some(value)
}

/// SHA-256 in hex over the JSON form, whose field order is the declaration's.
fn digest_of<T: Serialize>(part: &T) -> String {
    // Plain data with string keys always serialises.
    let json = serde_json::to_vec(part).expect("plain data serialises");
    hex(&Sha256::digest(json))
}
