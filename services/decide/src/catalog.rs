//! What is served now, swapped whole, and the model versions that requests pin by name.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use ceteris_contract::arrays::Arrays;
use ceteris_contract::error::Code;
use ceteris_contract::manifest::Manifest;
use ceteris_model::served::Model;
use ceteris_registry::{Registry, RegistryError};

use crate::refusal::{Refusal, refuse};
use crate::served::Served;

/// One problem's entry.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What decides.
    pub served: Arc<Served>,
    /// Why the newest model or problem of the registry is not the one that serves; none where it is.
    pub fault: Option<String>,
}

/// Every problem served, by name.
pub type Entries = BTreeMap<String, Entry>;

/// The problems served and the pinned versions. Readers never wait.
#[derive(Debug)]
pub struct Catalog {
    entries: ArcSwap<Entries>,
    registry: Registry,
    pinned: Mutex<VecDeque<Pinned>>,
    pinned_max: usize,
}

#[derive(Debug)]
struct Pinned {
    version: String,
    model: Arc<Model>,
}

impl Catalog {
    /// An empty catalog over a registry that keeps at most `pinned_max` pinned models.
    pub fn new(registry: Registry, pinned_max: usize) -> Self {
        Catalog {
            entries: ArcSwap::default(),
            registry,
            pinned: Mutex::default(),
            pinned_max: pinned_max.max(1),
        }
    }

    /// Where problems and models lie.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// What is served now.
    pub fn entries(&self) -> Arc<Entries> {
        self.entries.load_full()
    }

    /// Serves this from now on.
    pub fn swap(&self, entries: Entries) {
        self.entries.store(Arc::new(entries));
    }

    /// The problem and model that a request means.
    ///
    /// # Errors
    /// `unknown_problem`, `ambiguous_problem`, `unknown_version`.
    pub async fn select(&self, problem: Option<&str>, version: Option<&str>) -> Result<Arc<Served>, Refusal> {
        let served = Arc::clone(&self.entry(problem, version)?.served);
        match version {
            None => Ok(served),
            Some(version) if served.model().is_some_and(|m| m.served().version == version) => Ok(served),
            Some(version) => self.pin(&served, version).await,
        }
    }

    fn entry(&self, problem: Option<&str>, version: Option<&str>) -> Result<Entry, Refusal> {
        let entries = self.entries.load();
        if let Some(name) = problem {
            return entries.get(name).cloned().ok_or_else(|| {
                let known: Vec<&str> = entries.keys().map(String::as_str).collect();
                let detail = format!("no problem `{name}` is served; served: {}", list(&known));
                refuse(Code::UnknownProblem, Some("problem"), detail)
            });
        }
        if entries.len() > 1 {
            // A version begins with its problem's name, so it says which one is meant.
            let named = version.and_then(|v| entries.iter().find(|(name, _)| is_version_of(v, name)));
            return named.map(|(_, entry)| entry.clone()).ok_or_else(|| {
                let known: Vec<&str> = entries.keys().map(String::as_str).collect();
                let detail = format!("several problems are served: {}; name one", list(&known));
                refuse(Code::AmbiguousProblem, Some("problem"), detail)
            });
        }
        let only = entries.values().next().cloned();
        only.ok_or_else(|| refuse(Code::UnknownProblem, Some("problem"), "no problem is served yet"))
    }

    /// The problem with the version named, loaded once and kept while it is among the last used.
    async fn pin(&self, served: &Served, version: &str) -> Result<Arc<Served>, Refusal> {
        let unknown = |why: &str| {
            refuse(
                Code::UnknownVersion,
                Some("version"),
                format!("version {version}: {why}"),
            )
        };
        let name = &served.problem().name;
        // The form first: a made-up name must not cost a read of the registry, nor become a path.
        if !is_version_of(version, name) {
            return Err(unknown(&format!(
                "versions of {name} are {name}- and 12 hexadecimal digits"
            )));
        }
        let model = match self.pinned(version) {
            Some(model) => model,
            None => {
                let (manifest, arrays) = self.load(version).await?;
                let model = Model::compile(manifest, &arrays, served.problem())
                    .map_err(|fault| unknown(&fault.to_string()))?;
                self.keep(version, Arc::new(model))
            }
        };
        // The problem may have changed since the model was compiled for it.
        if model.manifest().what.problem_model_digest != served.model_digest() {
            return Err(unknown("was trained for another form of the problem"));
        }
        Ok(Arc::new(served.with_model(Some(model))))
    }

    async fn load(&self, version: &str) -> Result<(Manifest, Arrays), Refusal> {
        self.registry.load(version).await.map_err(|error| match error {
            RegistryError::UnknownVersion { .. } => {
                let detail = format!("version {version}: the registry does not have it");
                refuse(Code::UnknownVersion, Some("version"), detail)
            }
            error => {
                let error = &error as &(dyn std::error::Error + 'static);
                tracing::error!(error, version, "a pinned model cannot be loaded");
                refuse(
                    Code::Internal,
                    Some("version"),
                    format!("version {version} cannot be loaded; the service logged why"),
                )
            }
        })
    }

    fn pinned(&self, version: &str) -> Option<Arc<Model>> {
        let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        let place = pinned.iter().position(|p| p.version == version)?;
        let used = pinned.remove(place)?;
        let model = Arc::clone(&used.model);
        pinned.push_back(used);
        Some(model)
    }

    fn keep(&self, version: &str, model: Arc<Model>) -> Arc<Model> {
        let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        pinned.retain(|p| p.version != version);
        while pinned.len() >= self.pinned_max {
            pinned.pop_front();
        }
        pinned.push_back(Pinned {
            version: version.to_owned(),
            model: Arc::clone(&model),
        });
        model
    }
}

fn list(names: &[&str]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

/// `<problem>-<12 lower-case hexadecimal digits>`.
fn is_version_of(version: &str, problem: &str) -> bool {
    version
        .strip_prefix(problem)
        .and_then(|rest| rest.strip_prefix('-'))
        .is_some_and(|digits| {
            digits.len() == 12
                && digits
                    .bytes()
                    .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        })
}
