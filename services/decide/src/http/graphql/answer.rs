//! The answer about one effect.

use async_graphql::{Enum, Json, Object};
use ceteris_causal::identify::{Estimand, Identification, Independence, Strategy, Target, Witness};

/// How an effect is identified.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "Strategy")]
pub(super) enum StrategyKind {
    Auto,
    Backdoor,
    Frontdoor,
    Iv,
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
enum TargetKind {
    /// In the whole population.
    Ate,
    /// Given the query's conditions.
    Cate,
    /// Among those whom the instrument moves.
    Late,
}

/// Whether and how an effect is identified.
pub(super) struct Identified(pub(super) Identification);

#[Object(name = "Identification")]
impl Identified {
    /// Whether it follows from the graph and observed data alone; null where the search ran out of budget.
    async fn identifiable(&self) -> Option<bool> {
        self.0.identifiable
    }

    /// Which effect.
    async fn target(&self) -> TargetKind {
        match self.0.target {
            Target::Ate => TargetKind::Ate,
            Target::Cate => TargetKind::Cate,
            Target::Late => TargetKind::Late,
        }
    }

    /// How.
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

    /// Why there is none to name.
    async fn optimal_adjustment_set_reason(&self) -> Option<&String> {
        self.0.optimal_adjustment_set_reason.as_ref()
    }

    /// The mediators of the front door used.
    async fn mediators(&self) -> &[String] {
        &self.0.mediators
    }

    /// The instruments of the treatment.
    async fn instruments(&self) -> &[String] {
        &self.0.instruments
    }

    /// The formula, as a tree.
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

    /// Why there is none, as data.
    async fn witness(&self) -> Option<Json<Witness>> {
        self.0.witness.clone().map(Json)
    }

    /// Why there is none, in a sentence.
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
