//! Why a request is refused: the contract's problem, boxed, so that the way of those that are not stays slim.

use ceteris_contract::error::{Code, Problem};

/// A refusal on its way to the client.
pub type Refusal = Box<Problem>;

/// The refusal with this code; `field` is the path of the field at fault.
pub fn refuse(code: Code, field: Option<&str>, detail: impl Into<String>) -> Refusal {
    Box::new(code.problem(field, detail))
}
