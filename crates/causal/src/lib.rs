#![doc = include_str!("../README.md")]

mod compatible;

pub use ceteris_estimate::{diagnose, dml, evaluate, matching, score};
pub use ceteris_graph as graph;
pub use ceteris_policy as policy;

/// Identification, and tests of a graph against data.
pub mod identify {
    pub use crate::compatible::{
        Compatibility, CompatibilityError, CompatibilityParams, IndependenceTest, Observations,
        TestedIndependence, UntestedIndependence, compatibility,
    };
    pub use ceteris_graph::identify::*;
}

/// Units, their stable hash, and folds that keep each unit whole.
pub mod sample {
    pub use ceteris_estimate::sample::*;
    pub use ceteris_stats::{Unit, hash, uniform, uniform_of};
}

/// Standard errors, covariances, tests and distributions.
pub mod inference {
    pub use ceteris_estimate::inference::*;
    pub use ceteris_stats::{
        Clusters, Wald, binomial_band, chi_square_cdf, chi_square_quantile, holm, normal_cdf,
        normal_quantile, student_t_cdf, student_t_quantile, wald,
    };
}

/// Nuisance learners and the table they read.
pub mod learner {
    pub use ceteris_effect::{Column, ColumnKind};
    pub use ceteris_estimate::learner::*;
}

/// Effects and their fits.
pub mod effect {
    pub use ceteris_effect::{
        Effect, EffectBasis, LinearEffect, Modifier, ModifierKind, StackedEffect, UnknownModifier,
    };
    pub use ceteris_estimate::effect::{
        ProjectionError, difference_in_means, fit_basis, group_effects, project,
    };

    /// Learners of effects per unit.
    pub mod learners {
        pub use ceteris_effect::{EffectLearner, EffectModel, EffectScratch, ModelError, ModelKind};
        pub use ceteris_estimate::effect::learners::*;
    }
}

/// Causal forests: grown and asked.
pub mod forest {
    pub use ceteris_effect::forest::{Covariates, Forest, ForestError, ForestParts, Scratch};
    pub use ceteris_estimate::forest::*;
}
