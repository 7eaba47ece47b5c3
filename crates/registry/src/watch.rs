//! Watching an alias by polling: one read of an absent file while nothing moves.

use crate::alias::{Alias, Move, folder, read};
use crate::chain::{Chain, Link};
use crate::error::RegistryError;
use crate::registry::Registry;

/// Remembers which generation of an alias was seen last.
#[derive(Clone, Debug)]
pub struct AliasWatch {
    registry: Registry,
    problem: String,
    name: String,
    seen: u64,
}

impl Registry {
    /// A watch on an alias that has seen nothing yet.
    pub fn watch(&self, problem: impl Into<String>, name: impl Into<String>) -> AliasWatch {
        AliasWatch {
            registry: self.clone(),
            problem: problem.into(),
            name: name.into(),
            seen: 0,
        }
    }
}

impl AliasWatch {
    /// Where the alias points, if it was moved since the last poll; the first poll tells where it stands.
    ///
    /// # Errors
    /// Whatever the store answers; what was seen stays seen.
    pub async fn poll(&mut self) -> Result<Option<Alias>, RegistryError> {
        let chain = Chain::new(&self.registry.objects, folder(&self.problem, &self.name)?);
        let mut latest: Option<Link<Move>> = match self.seen {
            0 => chain.latest().await?,
            seen => chain.get(seen + 1).await?,
        };
        while self.seen > 0
            && let Some(link) = &latest
            && let Some(newer) = chain.get(link.generation + 1).await?
        {
            latest = Some(newer);
        }
        self.seen = latest.as_ref().map_or(self.seen, |link| link.generation);
        Ok(latest.map(|link| read(&self.problem, &self.name, link)))
    }
}
