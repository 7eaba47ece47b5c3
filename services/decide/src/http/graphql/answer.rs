//! The answer about one effect.

use async_graphql::{Enum, Json, Object, SimpleObject};
use ceteris_graph::identify::{Estimand, Identification, Independence, Strategy, Target, Witness};

/// How an effect is identified.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "Strategy")]
pub(super) enum StrategyKind {
    /// The first that works of the back door, the front door, the general algorithm and an instrument.
    Auto,
    /// Adjustment sets.
    Backdoor,
    /// Mediators that catch the whole effect.
    Frontdoor,
    /// An instrument, for the effect among those whom it moves.
    Iv,
    /// The complete ID and IDC algorithms.
    Id,
}

impl StrategyKind {
    pub(super) fn strategy(self) -> Strategy {
        match self {
            StrategyKind::Auto => Strategy::Auto,
            StrategyKind::Backdoor => Strategy::Backdoor,
            StrategyKind::Frontdoor => Strategy::Frontdoor,
            StrategyKind::Iv => Strategy::Iv,
            StrategyKind::Id => Strategy::Id,
        }
    }

    fn of(strategy: Strategy) -> Self {
        match strategy {
            Strategy::Auto => StrategyKind::Auto,
            Strategy::Backdoor => StrategyKind::Backdoor,
            Strategy::Frontdoor => StrategyKind::Frontdoor,
            Strategy::Iv => StrategyKind::Iv,
            Strategy::Id => StrategyKind::Id,
        }
    }
}

/// Which effect an answer is about.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "Target")]
enum TargetKind {
    /// In the whole population.
    Ate,
    /// Given the query's conditions.
    Cate,
    /// Among those whom the instrument moves.
    Late,
}

/// The adjustment sets of an effect.
#[derive(SimpleObject)]
pub(super) struct AdjustmentSets {
    /// The minimal ones, smallest first.
    sets: Vec<Vec<String>>,
    /// Whether these are all; otherwise a bound ended the search.
    complete: bool,
    /// Of all sets the one with the smallest asymptotic variance.
    optimal: Option<Vec<String>>,
    /// Why there is no optimal set to name.
    optimal_reason: Option<String>,
}

impl From<Identification> for AdjustmentSets {
    fn from(answer: Identification) -> Self {
        Self {
            complete: finished(&answer, "adjustment_sets"),
            sets: answer.adjustment_sets,
            optimal: answer.optimal_adjustment_set,
            optimal_reason: answer.optimal_adjustment_set_reason,
        }
    }
}

/// Independences that a graph implies.
#[derive(SimpleObject)]
#[graphql(name = "TestableImplications")]
pub(super) struct Implications {
    /// One for each pair of observed nodes that some set separates, with a smallest such set.
    independences: Vec<Independent>,
    /// Whether these are all; otherwise a bound ended the search.
    complete: bool,
}

impl Implications {
    pub(super) fn none() -> Self {
        Self {
            independences: Vec::new(),
            complete: true,
        }
    }
}

impl From<Identification> for Implications {
    fn from(answer: Identification) -> Self {
        Self {
            complete: finished(&answer, "testable_implications"),
            independences: answer
                .testable_implications
                .into_iter()
                .map(Independent)
                .collect(),
        }
    }
}

fn finished(answer: &Identification, search: &str) -> bool {
    !answer
        .unfinished
        .iter()
        .any(|name| name == search || name == "projection")
}

/// A front door.
#[derive(SimpleObject)]
#[graphql(name = "FrontDoorSet")]
struct FrontDoorView {
    /// All of the effect passes them.
    mediators: Vec<String>,
    /// What is conditioned on.
    given: Vec<String>,
}

/// An instrument with what it needs.
#[derive(SimpleObject)]
#[graphql(name = "InstrumentSet")]
struct InstrumentView {
    /// The instrument.
    instrument: String,
    /// What is conditioned on.
    given: Vec<String>,
}

/// Bounds on an effect that is not identified; they hold for discrete data.
#[derive(SimpleObject)]
#[graphql(name = "Bounds")]
struct BoundsView {
    /// `manski` or `balke_pearl`.
    method: String,
    /// The instrument they use.
    instrument: Option<String>,
    /// What must be assumed beyond the graph.
    assumptions: Vec<String>,
    /// The bounds in LaTeX.
    latex: String,
}

/// Whether and how an effect is identified.
pub(super) struct Identified(pub(super) Identification);

/// Whether and how an effect is identified.
#[Object(name = "Identification")]
impl Identified {
    /// Whether it follows from the graph and observed data alone; null where the search ran out of budget.
    async fn identifiable(&self) -> Option<bool> {
        self.0.identifiable
    }

    /// Which effect the answer is about.
    async fn target(&self) -> TargetKind {
        match self.0.target {
            Target::Ate => TargetKind::Ate,
            Target::Cate => TargetKind::Cate,
            Target::Late => TargetKind::Late,
        }
    }

    /// How it is identified; null where it is not, but for an instrument, which gives `IV`, the target `LATE` and the
    /// assumptions that this needs.
    async fn strategy(&self) -> Option<StrategyKind> {
        self.0.strategy.map(StrategyKind::of)
    }

    /// What must be assumed beyond the graph.
    async fn assumptions(&self) -> &[String] {
        &self.0.assumptions
    }

    /// Minimal adjustment sets, smallest first.
    async fn adjustment_sets(&self) -> &[Vec<String>] {
        &self.0.adjustment_sets
    }

    /// The adjustment set with the smallest asymptotic variance.
    async fn optimal_adjustment_set(&self) -> Option<&Vec<String>> {
        self.0.optimal_adjustment_set.as_ref()
    }

    /// Why there is no optimal set to name.
    async fn optimal_adjustment_set_reason(&self) -> Option<&String> {
        self.0.optimal_adjustment_set_reason.as_ref()
    }

    /// The mediators of the front door used.
    async fn mediators(&self) -> &[String] {
        &self.0.mediators
    }

    /// The minimal front doors, smallest first, where the search came to them.
    async fn front_door_sets(&self) -> Vec<FrontDoorView> {
        let sets = self.0.front_door_sets.iter().cloned();
        sets.map(|set| FrontDoorView {
            mediators: set.mediators,
            given: set.given,
        })
        .collect()
    }

    /// The instruments of the treatment, each with what must be conditioned on.
    async fn instruments(&self) -> Vec<InstrumentView> {
        let sets = self.0.instrument_sets.iter().cloned();
        sets.map(|set| InstrumentView {
            instrument: set.instrument,
            given: set.given,
        })
        .collect()
    }

    /// Bounds that hold where the effect is not identified.
    async fn bounds(&self) -> Vec<BoundsView> {
        let offers = self.0.bounds.iter().cloned();
        offers
            .map(|offer| BoundsView {
                method: offer.method,
                instrument: offer.instrument,
                assumptions: offer.assumptions,
                latex: offer.latex,
            })
            .collect()
    }

    /// The formula as a tree: `sum`, `product`, `ratio` and `p`, as the CLI writes it.
    async fn estimand(&self) -> Option<Json<Estimand>> {
        self.0.estimand.clone().map(Json)
    }

    /// The formula in LaTeX.
    async fn latex(&self) -> Option<&String> {
        self.0.latex.as_ref()
    }

    /// The formula in words.
    async fn words(&self) -> Option<&String> {
        self.0.words.as_ref()
    }

    /// Why it is not identified, as data with a `kind`.
    async fn witness(&self) -> Option<Json<Witness>> {
        self.0.witness.clone().map(Json)
    }

    /// Why it is not identified, in a sentence.
    async fn reason(&self) -> Option<String> {
        self.0.witness.as_ref().map(ToString::to_string)
    }

    /// Searches whose lists may lack entries.
    async fn unfinished(&self) -> &[String] {
        &self.0.unfinished
    }
}

/// Two nodes that are independent given a set.
pub(super) struct Independent(pub(super) Independence);

/// Two nodes that are independent given a set.
#[Object(name = "Independence")]
impl Independent {
    /// One node.
    async fn left(&self) -> &str {
        &self.0.left
    }

    /// The other.
    async fn right(&self) -> &str {
        &self.0.right
    }

    /// What makes them independent.
    async fn given(&self) -> &[String] {
        &self.0.given
    }
}
