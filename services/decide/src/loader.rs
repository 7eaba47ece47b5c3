//! Keeps the catalog equal to the registry: the latest problem files and the models their `production` aliases name.
//!
//! Whatever is wrong with the newest, the last good pair of problem and model serves on, and says why.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use ceteris_chassis::Shutdown;
use ceteris_contract::problem::Problem;
use ceteris_model::served::Model;
use ceteris_registry::{ProblemSource, Registry};

use crate::catalog::{Catalog, Entries, Entry};
use crate::metrics::Metrics;
use crate::served::Served;

/// The alias that decides.
pub const PRODUCTION: &str = "production";

/// The task that asks the registry.
#[derive(Debug)]
pub struct Loader {
    registry: Registry,
    catalog: Arc<Catalog>,
    metrics: Metrics,
    /// Problems that must be served; empty: whatever the registry has.
    wanted: Vec<String>,
    /// The newest problem file read, by problem: read again, it is not parsed again.
    sources: BTreeMap<String, (String, Arc<Served>)>,
}

impl Loader {
    /// A loader that fills `catalog` with `wanted` problems, or with every one where none is named.
    pub fn new(registry: Registry, catalog: Arc<Catalog>, metrics: Metrics, wanted: Vec<String>) -> Self {
        Loader {
            registry,
            catalog,
            metrics,
            wanted,
            sources: BTreeMap::new(),
        }
    }

    /// Refreshes every `interval` until `shutdown`.
    pub async fn run(mut self, interval: Duration, shutdown: Shutdown) {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.refresh().await,
                () = shutdown.cancelled() => return,
            }
        }
    }

    /// Asks the registry once and swaps what has changed. Faults are kept beside the entry they concern.
    pub async fn refresh(&mut self) {
        let names = match self.names().await {
            Ok(names) => names,
            Err(error) => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the registry does not answer; what is served stays"
                );
                return;
            }
        };
        let before = self.catalog.entries();
        let mut after = Entries::new();
        for name in names {
            let current = before.get(&name);
            match self.entry(&name, current).await {
                Ok(entry) => {
                    self.announce(&name, current, &entry);
                    after.insert(name, entry);
                }
                Err(error) => {
                    let fault = format!("{error:#}");
                    if let Some(current) = current {
                        let entry = Entry {
                            served: Arc::clone(&current.served),
                            fault: Some(fault),
                        };
                        self.announce(&name, Some(current), &entry);
                        after.insert(name, entry);
                    } else {
                        tracing::warn!(problem = name, error = fault, "the problem cannot be served");
                    }
                }
            }
        }
        let same = before.len() == after.len()
            && before
                .iter()
                .zip(&after)
                .all(|((a, x), (b, y))| a == b && Arc::ptr_eq(&x.served, &y.served) && x.fault == y.fault);
        if !same {
            self.catalog.swap(after);
        }
    }

    async fn names(&self) -> Result<Vec<String>> {
        if !self.wanted.is_empty() {
            return Ok(self.wanted.clone());
        }
        self.registry
            .problems()
            .await
            .context("cannot list the registry's problems")
    }

    /// The entry that the registry's newest problem and alias ask for, or the current one with the reason it stays.
    async fn entry(&mut self, name: &str, current: Option<&Entry>) -> Result<Entry> {
        let source = self
            .registry
            .get_problem(name, None)
            .await
            .context("cannot read the problem file")?;
        let source = source.ok_or_else(|| anyhow!("the registry has no problem {name}"))?;
        let newest = self.parsed(source)?;
        let alias = match self
            .registry
            .alias(name, PRODUCTION)
            .await
            .context("cannot read the alias")
        {
            Ok(alias) => alias,
            // The problem is known, so its rules can decide even if the model cannot be found.
            Err(error) => {
                return Ok(Entry {
                    served: last_good(newest, current),
                    fault: Some(format!("{error:#}")),
                });
            }
        };
        let Some(alias) = alias else {
            let unchanged = current.filter(|c| c.served.model().is_none() && c.served.same_problem(&newest));
            let served = unchanged.map_or(newest, |c| Arc::clone(&c.served));
            return Ok(Entry { served, fault: None });
        };
        if let Some(current) = current
            && current
                .served
                .model()
                .is_some_and(|m| m.served().version == alias.version)
            && current.served.same_problem(&newest)
        {
            return Ok(Entry {
                served: Arc::clone(&current.served),
                fault: None,
            });
        }
        match self.model(&alias.version, &newest, current).await {
            Ok(model) => Ok(Entry {
                served: Arc::new(newest.with_model(Some(model))),
                fault: None,
            }),
            Err(error) => Ok(Entry {
                served: last_good(newest, current),
                fault: Some(format!("{error:#}")),
            }),
        }
    }

    fn parsed(&mut self, source: ProblemSource) -> Result<Arc<Served>> {
        if let Some((digest, served)) = self.sources.get(&source.name)
            && *digest == source.digest
        {
            return Ok(Arc::clone(served));
        }
        let problem = Problem::from_yaml(&source.yaml).map_err(|faults| {
            let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
            anyhow!("the problem file is refused: {}", lines.join("; "))
        })?;
        if problem.name != source.name {
            bail!(
                "the file of problem {} names itself {}",
                source.name,
                problem.name
            );
        }
        let served = Arc::new(Served::new(problem).context("the problem's views cannot be run")?);
        self.sources
            .insert(source.name, (source.digest, Arc::clone(&served)));
        Ok(served)
    }

    /// The model of this version for the newest problem; the one in memory where it is the same and still fits.
    async fn model(&self, version: &str, newest: &Served, current: Option<&Entry>) -> Result<Arc<Model>> {
        let loaded = current.and_then(|c| c.served.shared_model()).filter(|m| {
            m.served().version == version && m.manifest().what.problem_model_digest == newest.model_digest()
        });
        if let Some(model) = loaded {
            return Ok(model);
        }
        let (manifest, arrays) = self
            .registry
            .load(version)
            .await
            .with_context(|| format!("cannot load model {version}"))?;
        let model = Model::compile(manifest, &arrays, newest.problem())
            .with_context(|| format!("model {version} is refused"))?;
        Ok(Arc::new(model))
    }

    /// Logs and counts a change once, when it happens.
    fn announce(&self, name: &str, before: Option<&Entry>, after: &Entry) {
        if let Some(fault) = &after.fault
            && before.is_none_or(|b| b.fault.as_ref() != Some(fault))
        {
            self.metrics.models_refused.with_label_values(&[name]).inc();
            tracing::error!(
                problem = name,
                fault,
                "the newest model or problem is refused; the last good one serves"
            );
        }
        if before.is_some_and(|b| Arc::ptr_eq(&b.served, &after.served)) {
            return;
        }
        let version = after
            .served
            .model()
            .map_or("none", |m| m.served().version.as_str());
        tracing::info!(problem = name, model.version = version, "serving");
        for effect in after
            .served
            .model()
            .iter()
            .flat_map(|m| &m.manifest().what.effects)
        {
            self.metrics
                .ate
                .with_label_values(&[name, &effect.arm, &effect.outcome])
                .set(effect.estimate);
        }
    }
}

/// The pair that serves on while the alias's model cannot: the newest policy with the model in memory where they fit
/// together, the current pair where they do not, and without any model the newest problem alone.
fn last_good(newest: Arc<Served>, current: Option<&Entry>) -> Arc<Served> {
    let Some(current) = current else { return newest };
    match current.served.shared_model() {
        None => newest,
        Some(_) if current.served.same_problem(&newest) => Arc::clone(&current.served),
        Some(model) if current.served.model_digest() == newest.model_digest() => {
            Arc::new(newest.with_model(Some(model)))
        }
        Some(_) => Arc::clone(&current.served),
    }
}
