//! Identification: can the graph and data that follow it answer P(outcome | do(treatment)), and by which formula?
//! Adjustment sets, front door, instruments, the complete ID and IDC algorithms, estimands as trees. [`identify`] is
//! the one entry point; [`valid_conditioning`] and [`maximal_pretreatment_set`] serve unit-level effects.
//! [`mediate`] splits effects into those through mediators and past them, [`direct_effect`] asks for one edge,
//! [`calculus::derive`] writes proofs, [`manski`] and [`balke_pearl`] bound what is not identified,
//! [`estimands_changed`] compares versions of a graph, and [`testable_implications`] lists what data could refute.

mod answer;
mod bounds;
mod budget;
pub mod calculus;
mod compare;
mod complete;
mod criteria;
mod direct;
mod expression;
mod problem;
mod query;
mod strategy;
mod testable;
mod witness;

pub use answer::{DistrictFactor, FrontDoorSet, Identification, Independence, InstrumentSet, Target};
pub use bounds::{Bounds, BoundsError, BoundsOffer, InstrumentBounds, balke_pearl, manski};
pub use compare::{EstimandChange, Verdict, estimands_changed, queries_of_roles};
pub use complete::{Mediation, VermaConstraint, mediate, verma_constraints};
pub use criteria::adjustment::{is_adjustment_set, proper_causal_nodes};
pub use criteria::adjustment_sets::minimal_adjustment_sets;
pub use criteria::conditioning::{Conditioning, maximal_pretreatment_set, valid_conditioning};
pub use criteria::selection::is_selected_adjustment_set;
pub use direct::{DirectEffect, direct_effect};
pub use expression::{Estimand, EvaluateError, Joint, JointError};
pub use query::{IdentifyError, Query, QueryFault, STEPS_MAX_DEFAULT, Strategy};
pub use strategy::identify;
pub use testable::{TestableImplications, testable_implications};
pub use witness::Witness;
