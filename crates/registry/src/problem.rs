//! Problem files: every text that was ever put, and which one is the latest.

use ceteris_contract::problem::Problem;
use ceteris_contract::time::Timestamp;
use ceteris_objects::{checked_name, race_pause};
use serde::{Deserialize, Serialize};

use crate::chain::{Chain, Link};
use crate::error::RegistryError;
use crate::registry::{Registry, sha256};

/// Races for the latest text that are lost before giving up.
const ATTEMPTS_MAX: u32 = 16;

/// A problem file as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProblemSource {
    /// The problem's name.
    pub name: String,
    /// SHA-256 of the text.
    pub digest: String,
    /// The text.
    pub yaml: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Latest {
    digest: String,
    at: Timestamp,
}

fn file(name: &str, digest: &str) -> String {
    format!("problems/{name}/{digest}.yaml")
}

impl Registry {
    /// Keeps a problem file's text and makes it the latest; tells the text's SHA-256.
    ///
    /// # Errors
    /// Whatever the store answers.
    pub async fn put_problem(&self, name: &str, yaml: &str, at: Timestamp) -> Result<String, RegistryError> {
        let digest = sha256(yaml.as_bytes());
        let name = checked_name(name)?;
        self.create_same(&file(name, &digest), yaml.to_owned().into())
            .await?;
        let chain = self.latest(name);
        let mut generation = 0;
        for attempt in 0..ATTEMPTS_MAX {
            tokio::time::sleep(race_pause(digest.as_bytes(), attempt)).await;
            let latest: Option<Link<Latest>> = chain.latest().await?;
            if latest.as_ref().is_some_and(|link| link.value.digest == digest) {
                return Ok(digest);
            }
            generation = latest.map_or(0, |link| link.generation);
            let value = Latest {
                digest: digest.clone(),
                at,
            };
            if chain
                .push(&Link {
                    generation: generation + 1,
                    value,
                })
                .await?
            {
                return Ok(digest);
            }
        }
        Err(RegistryError::AliasMoved {
            problem: name.to_owned(),
            alias: "latest".to_owned(),
            expected: generation,
            found: generation + 1,
        })
    }

    /// The text with this SHA-256, or the latest; none: there is no such text.
    ///
    /// # Errors
    /// [`RegistryError::Corrupt`] where the text is not what its name says.
    pub async fn get_problem(
        &self,
        name: &str,
        digest: Option<&str>,
    ) -> Result<Option<ProblemSource>, RegistryError> {
        let name = checked_name(name)?;
        let digest = match digest {
            Some(digest) => checked_name(digest)?.to_owned(),
            None => match self.latest(name).latest::<Latest>().await? {
                Some(link) => link.value.digest,
                None => return Ok(None),
            },
        };
        let file = file(name, &digest);
        let Some(bytes) = self.objects.get(&file).await? else {
            return Ok(None);
        };
        let found = sha256(&bytes);
        if found != digest {
            return Err(RegistryError::Corrupt {
                file,
                expected: digest,
                found,
            });
        }
        let yaml = String::from_utf8(bytes.into()).map_err(|error| RegistryError::malformed(&file, error))?;
        Ok(Some(ProblemSource {
            name: name.to_owned(),
            digest,
            yaml,
        }))
    }

    /// The problem whose text has this SHA-256.
    ///
    /// # Errors
    /// [`RegistryError::UnknownProblem`], [`RegistryError::FaultyProblem`], and those of
    /// [`get_problem`](Self::get_problem).
    pub async fn problem(&self, name: &str, digest: &str) -> Result<Problem, RegistryError> {
        let source = self.get_problem(name, Some(digest)).await?;
        let source = source.ok_or_else(|| RegistryError::UnknownProblem {
            problem: format!("{name} {digest}"),
        })?;
        Problem::from_yaml(&source.yaml).map_err(|faults| RegistryError::FaultyProblem {
            problem: name.to_owned(),
            faults: faults.iter().map(ToString::to_string).collect(),
        })
    }

    /// The digests of every text kept of a problem, in their own order, which is not that of time.
    ///
    /// # Errors
    /// Whatever the store answers.
    pub async fn problem_versions(&self, name: &str) -> Result<Vec<String>, RegistryError> {
        let folder = format!("problems/{}", checked_name(name)?);
        let files = self.objects.list(&folder).await?.files;
        let digest = |file: String| file.strip_suffix(".yaml").map(str::to_owned);
        Ok(files.into_iter().filter_map(digest).collect())
    }

    /// Every problem's name, in name order.
    ///
    /// # Errors
    /// Whatever the store answers.
    pub async fn problems(&self) -> Result<Vec<String>, RegistryError> {
        Ok(self.objects.list("problems").await?.folders)
    }

    fn latest(&self, name: &str) -> Chain<'_> {
        Chain::new(&self.objects, format!("problems/{name}/latest"))
    }
}
