//! The estimand as people and other programs read it: a tree over conditional probabilities with named variables.

use serde::{Deserialize, Serialize};

/// An expression in conditional probabilities of the observed data.
///
/// Serialises as `{"sum":{"over":[..],"body":..}}`, `{"product":[..]}`, `{"ratio":{"num":..,"den":..}}` and
/// `{"p":{"of":[..],"given":[..]}}`. A variable bound by a sum is written with primes (`X'`) where its plain name is
/// free or bound around it. The empty product is 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Estimand {
    /// The sum of `body` over all values of the variables `over`.
    Sum {
        /// Names of the bound variables.
        over: Vec<String>,
        /// What is summed.
        body: Box<Estimand>,
    },
    /// The product of its parts.
    Product(Vec<Estimand>),
    /// A quotient.
    Ratio {
        /// Above the line.
        num: Box<Estimand>,
        /// Below the line.
        den: Box<Estimand>,
    },
    /// P(of | given).
    P {
        /// Left of the bar.
        of: Vec<String>,
        /// Right of the bar.
        given: Vec<String>,
    },
}

/// The variable a name is a copy of: `X''` is a copy of `X`.
pub(crate) fn base(name: &str) -> &str {
    name.trim_end_matches('\'')
}
