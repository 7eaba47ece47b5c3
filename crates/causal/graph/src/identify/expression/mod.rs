//! Expressions in conditional probabilities: the working form that algorithms build, its simplification, the estimand
//! with names, the estimand's text, and its value on a table.

mod estimand;
mod evaluate;
mod expr;
mod render;
mod simplify;

pub use estimand::Estimand;
pub(crate) use estimand::base;
pub use evaluate::{EvaluateError, Joint, JointError};
pub(crate) use expr::{Expr, Var};
pub(crate) use render::{listed, query_latex, query_text, symbol};
pub(crate) use simplify::bind;
