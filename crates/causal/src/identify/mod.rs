//! Identification: can the graph and data that follow it answer P(outcome | do(treatment)), and by which formula?
//! Adjustment sets, front door, instruments, the complete ID and IDC algorithms, estimands as trees. [`identify`] is
//! the one entry point; [`valid_conditioning`] and [`maximal_pretreatment_set`] serve unit-level effects.
//! [`mediate`] splits effects into those through mediators and past them, [`direct_effect`] asks for one edge,
//! [`calculus::derive`] writes proofs, [`manski`] and [`balke_pearl`] bound what is not identified, and
//! [`estimands_changed`] compares versions of a graph, [`compatibility`] asks whether data refute one.

mod adjustment;
mod answer;
mod backdoor;
mod bounds;
mod budget;
pub mod calculus;
mod cheapest;
mod compare;
mod compatible;
mod conditioning;
mod direct;
mod estimand;
mod evaluate;
mod expression;
mod front_door;
mod id;
mod implications;
mod instrument;
mod kernel;
mod mediation;
mod optimal;
mod problem;
mod query;
mod render;
mod selection;
mod separators;
mod simplify;
mod strategy;
mod verma;
mod witness;

pub use adjustment::{is_adjustment_set, minimal_adjustment_sets, proper_causal_nodes};
pub use answer::{DistrictFactor, FrontDoorSet, Identification, Independence, InstrumentSet, Target};
pub use bounds::{Bounds, BoundsError, BoundsOffer, InstrumentBounds, balke_pearl, manski};
pub use compare::{EstimandChange, Verdict, estimands_changed, queries_of_roles};
pub use compatible::{
    Compatibility, CompatibilityError, CompatibilityParams, IndependenceTest, Observations,
    TestedIndependence, UntestedIndependence, compatibility,
};
pub use conditioning::{Conditioning, maximal_pretreatment_set, valid_conditioning};
pub use direct::{DirectEffect, direct_effect};
pub use estimand::Estimand;
pub use evaluate::{EvaluateError, Joint, JointError};
pub use mediation::{Mediation, mediate};
pub use query::{IdentifyError, Query, QueryFault, STEPS_MAX_DEFAULT, Strategy};
pub use selection::is_selected_adjustment_set;
pub use strategy::identify;
pub use verma::{VermaConstraint, verma_constraints};
pub use witness::Witness;
