//! Complete algorithms: the ID and IDC algorithms by c-factors, and what else c-factors answer, mediation and Verma
//! constraints. Where they find no formula there is none, and they say why.

mod id;
mod kernel;
mod mediation;
mod verma;

pub(crate) use id::{Failure, id, idc, named_factors};
pub use mediation::{Mediation, mediate};
pub use verma::{VermaConstraint, verma_constraints};
