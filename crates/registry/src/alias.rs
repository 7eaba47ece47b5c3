//! Aliases: movable names for versions, per problem, and the log of their moves.

use std::collections::BTreeMap;

use ceteris_contract::time::Timestamp;
use ceteris_objects::checked_name;
use serde::{Deserialize, Serialize};

use crate::chain::{Chain, Link};
use crate::error::RegistryError;
use crate::registry::Registry;

/// Shares that differ from 1 by rounding still are shares.
const SHARE_TOLERANCE: f64 = 1e-9;

/// Where an alias points.
#[derive(Clone, Debug, PartialEq)]
pub struct Alias {
    /// The problem.
    pub problem: String,
    /// The alias, for example `production`.
    pub name: String,
    /// Counts the moves, from 1 on.
    pub generation: u64,
    /// The version.
    pub version: String,
    /// Share of requests by version; empty: all to `version`.
    pub weights: BTreeMap<String, f64>,
}

/// Where an alias is to point.
#[derive(Clone, Debug, PartialEq)]
pub struct AliasTarget {
    /// The version.
    pub version: String,
    /// Share of requests by version; empty: all to `version`.
    pub weights: BTreeMap<String, f64>,
}

impl AliasTarget {
    /// All requests to one version.
    pub fn version(version: impl Into<String>) -> Self {
        AliasTarget {
            version: version.into(),
            weights: BTreeMap::new(),
        }
    }

    fn check(&self) -> Result<(), RegistryError> {
        let shares = self.weights.values();
        let good = self.weights.is_empty()
            || (shares.clone().all(|share| (0.0..=1.0).contains(share))
                && (shares.sum::<f64>() - 1.0).abs() <= SHARE_TOLERANCE);
        match good {
            true => Ok(()),
            false => Err(RegistryError::InvalidWeights {
                version: self.version.clone(),
            }),
        }
    }
}

/// Who moves an alias, when and why.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    /// A person or a program.
    pub who: String,
    /// The mover's clock.
    pub at: Timestamp,
    /// In words.
    pub reason: String,
}

/// One move of an alias.
#[derive(Clone, Debug, PartialEq)]
pub struct Promotion {
    /// The alias.
    pub alias: String,
    /// The generation that the move made.
    pub generation: u64,
    /// Who moved it.
    pub who: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// The version before; none: the alias was new.
    pub from: Option<String>,
    /// The version after.
    pub to: String,
    /// The shares after.
    pub weights: BTreeMap<String, f64>,
}

/// A generation of an alias as it lies in its file: the alias, and the log entry of the move that made it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Move {
    version: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    weights: BTreeMap<String, f64>,
    from: Option<String>,
    who: String,
    at: Timestamp,
    reason: String,
}

pub(crate) fn folder(problem: &str, alias: &str) -> Result<String, RegistryError> {
    Ok(format!(
        "aliases/{}/{}",
        checked_name(problem)?,
        checked_name(alias)?
    ))
}

pub(crate) fn read(problem: &str, name: &str, link: Link<Move>) -> Alias {
    Alias {
        problem: problem.to_owned(),
        name: name.to_owned(),
        generation: link.generation,
        version: link.value.version,
        weights: link.value.weights,
    }
}

impl Registry {
    /// Where an alias points; none: it was never set.
    ///
    /// # Errors
    /// Whatever the store answers.
    pub async fn alias(&self, problem: &str, name: &str) -> Result<Option<Alias>, RegistryError> {
        let latest = Chain::new(&self.objects, folder(problem, name)?).latest().await?;
        Ok(latest.map(|link| read(problem, name, link)))
    }

    /// Every alias of a problem, in name order.
    ///
    /// # Errors
    /// Whatever the store answers.
    pub async fn aliases(&self, problem: &str) -> Result<Vec<Alias>, RegistryError> {
        let mut aliases = Vec::new();
        for name in self.alias_names(problem).await? {
            aliases.extend(self.alias(problem, &name).await?);
        }
        Ok(aliases)
    }

    async fn alias_names(&self, problem: &str) -> Result<Vec<String>, RegistryError> {
        let folder = format!("aliases/{}", checked_name(problem)?);
        Ok(self.objects.list(&folder).await?.folders)
    }

    /// Moves an alias by compare-and-set: only if it still stands at `expected_generation` (0: it is new). The log
    /// entry lands with the move, in the same file.
    ///
    /// # Errors
    /// [`RegistryError::AliasMoved`] where someone else was faster; [`RegistryError::UnknownVersion`],
    /// [`RegistryError::OtherProblem`], [`RegistryError::Assumed`] and [`RegistryError::InvalidWeights`] where the
    /// target is none.
    pub async fn move_alias(
        &self,
        problem: &str,
        name: &str,
        to: &AliasTarget,
        expected_generation: u64,
        entry: &LogEntry,
    ) -> Result<Alias, RegistryError> {
        to.check()?;
        for version in to.weights.keys().chain([&to.version]) {
            self.check_target(problem, version).await?;
        }
        let chain = Chain::new(&self.objects, folder(problem, name)?);
        let latest: Option<Link<Move>> = chain.latest().await?;
        let moved = |found: u64| RegistryError::AliasMoved {
            problem: problem.to_owned(),
            alias: name.to_owned(),
            expected: expected_generation,
            found,
        };
        let found = latest.as_ref().map_or(0, |link| link.generation);
        if found != expected_generation {
            return Err(moved(found));
        }
        let link = Link {
            generation: expected_generation + 1,
            value: Move {
                version: to.version.clone(),
                weights: to.weights.clone(),
                from: latest.map(|link| link.value.version),
                who: entry.who.clone(),
                at: entry.at,
                reason: entry.reason.clone(),
            },
        };
        match chain.push(&link).await? {
            true => Ok(read(problem, name, link)),
            false => Err(moved(
                chain.latest::<Move>().await?.map_or(0, |link| link.generation),
            )),
        }
    }

    async fn check_target(&self, problem: &str, version: &str) -> Result<(), RegistryError> {
        let what = self.manifest(version).await?.what;
        if what.problem != problem {
            return Err(RegistryError::OtherProblem {
                version: version.to_owned(),
                problem: problem.to_owned(),
                found: what.problem,
            });
        }
        match what.assumed {
            true => Err(RegistryError::Assumed {
                version: version.to_owned(),
            }),
            false => Ok(()),
        }
    }

    /// Every move of every alias of a problem, by time, then alias, then generation.
    ///
    /// # Errors
    /// Whatever the store answers.
    pub async fn promotions(&self, problem: &str) -> Result<Vec<Promotion>, RegistryError> {
        let mut promotions = Vec::new();
        for alias in self.alias_names(problem).await? {
            let links = Chain::new(&self.objects, folder(problem, &alias)?)
                .all::<Move>()
                .await?;
            promotions.extend(links.into_iter().map(|link| Promotion {
                alias: alias.clone(),
                generation: link.generation,
                who: link.value.who,
                at: link.value.at,
                reason: link.value.reason,
                from: link.value.from,
                to: link.value.version,
                weights: link.value.weights,
            }));
        }
        promotions.sort_by(|a, b| (a.at, &a.alias, a.generation).cmp(&(b.at, &b.alias, b.generation)));
        Ok(promotions)
    }
}
