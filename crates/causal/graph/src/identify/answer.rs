//! The answer to a query: what is identified, how, by which formula, and what would be needed where it is not.

use super::{BoundsOffer, Estimand, Strategy, Witness};
use serde::{Deserialize, Serialize};

/// Which effect an answer is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// The effect in the whole population.
    Ate,
    /// The effect given the query's conditions.
    Cate,
    /// The effect among those whom the instrument moves.
    Late,
}

/// One front door: the mediators it leads through and what is conditioned on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrontDoorSet {
    /// All of the effect passes them.
    pub mediators: Vec<String>,
    /// Conditioned on, the query's own conditions included.
    pub given: Vec<String>,
}

/// One instrument and what must be conditioned on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstrumentSet {
    /// The instrument.
    pub instrument: String,
    /// Conditioned on, the query's own conditions included.
    pub given: Vec<String>,
}

/// A c-factor that was identified before the budget ran out: a part of the whole formula.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DistrictFactor {
    /// The district: the distribution of these nodes under an intervention on all others.
    pub district: Vec<String>,
    /// Its formula.
    pub estimand: Estimand,
    /// The formula in LaTeX.
    pub latex: String,
}

/// An independence that the graph implies and data can refute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Independence {
    /// One node.
    pub left: String,
    /// The other.
    pub right: String,
    /// What makes them independent.
    pub given: Vec<String>,
}

/// The answer to a [`super::Query`]; serialises as the reply of `identify --format json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identification {
    /// Whether the effect follows from the graph and the observed distribution, by the strategy asked for, without
    /// assumptions on functional form. `None`: the budget was spent before it could be told.
    pub identifiable: Option<bool>,
    /// Which effect.
    pub target: Target,
    /// What must be assumed beyond the graph.
    pub assumptions: Vec<String>,
    /// How it is identified; `None` when it is not.
    pub strategy: Option<Strategy>,
    /// Minimal adjustment sets, smallest first.
    pub adjustment_sets: Vec<Vec<String>>,
    /// The adjustment set whose nodes cost least together, where the query gives costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cheapest_adjustment_set: Option<Vec<String>>,
    /// The adjustment set with the smallest asymptotic variance.
    pub optimal_adjustment_set: Option<Vec<String>>,
    /// Why there is no optimal set to name.
    pub optimal_adjustment_set_reason: Option<String>,
    /// The mediators of the front door used.
    pub mediators: Vec<String>,
    /// All minimal front doors, where the search came to them.
    pub front_door_sets: Vec<FrontDoorSet>,
    /// The instruments of the treatment.
    pub instruments: Vec<String>,
    /// The instruments with what they need conditioned on.
    pub instrument_sets: Vec<InstrumentSet>,
    /// P(outcomes | do(treatments), given), free in all three.
    pub estimand: Option<Estimand>,
    /// The estimand as an equation.
    pub latex: Option<String>,
    /// The estimand in plain words.
    pub words: Option<String>,
    /// The nodes the sample was selected on: every probability of the estimand is one among the selected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub selected: Vec<String>,
    /// Why not.
    pub witness: Option<Witness>,
    /// Bounds that hold where the effect is not identified, on discrete data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bounds: Vec<BoundsOffer>,
    /// Independences that the graph implies among the observed nodes.
    pub testable_implications: Vec<Independence>,
    /// Where the budget ran out in the general algorithm, the parts of the formula that it had identified.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub factors: Vec<DistrictFactor>,
    /// The searches whose lists may lack entries, because a bound on their size or the budget stopped them. With
    /// `projection` among them not even the latent nodes could be taken away, and nothing was searched.
    pub unfinished: Vec<String>,
}
