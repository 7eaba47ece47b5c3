//! A value that is moved by compare-and-set, and keeps its history: generation `g` is the file `<g>.json`, put only if
//! absent. Whoever puts `g + 1` first has moved it. Beside the folder lies a copy of a late generation, from which
//! readers start to look; it may lag, it never decides.

use ceteris_objects::{Created, Objects};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::RegistryError;

/// One generation of a value.
#[derive(Clone, Debug, PartialEq, Serialize, serde::Deserialize)]
pub(crate) struct Link<T> {
    /// From 1 on, without gaps.
    pub generation: u64,
    #[serde(flatten)]
    pub value: T,
}

/// The generations of one value.
pub(crate) struct Chain<'a> {
    objects: &'a Objects,
    folder: String,
}

impl<'a> Chain<'a> {
    pub(crate) fn new(objects: &'a Objects, folder: String) -> Self {
        Chain { objects, folder }
    }

    fn file(&self, generation: u64) -> String {
        format!("{}/{generation:010}.json", self.folder)
    }

    fn hint_file(&self) -> String {
        format!("{}.json", self.folder)
    }

    /// One generation, or none.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        generation: u64,
    ) -> Result<Option<Link<T>>, RegistryError> {
        let file = self.file(generation);
        let Some(bytes) = self.objects.get(&file).await? else {
            return Ok(None);
        };
        let link: Link<T> =
            serde_json::from_slice(&bytes).map_err(|error| RegistryError::malformed(&file, error))?;
        match link.generation == generation {
            true => Ok(Some(link)),
            false => {
                let told = format!("it says generation {}", link.generation);
                Err(RegistryError::malformed(&file, told))
            }
        }
    }

    /// The newest generation, or none.
    pub(crate) async fn latest<T: DeserializeOwned>(&self) -> Result<Option<Link<T>>, RegistryError> {
        let mut latest = match self.hint().await? {
            Some(generation) => self.get(generation).await?,
            None => None,
        };
        loop {
            let next = latest.as_ref().map_or(1, |link| link.generation + 1);
            match self.get(next).await? {
                Some(link) => latest = Some(link),
                None => return Ok(latest),
            }
        }
    }

    async fn hint(&self) -> Result<Option<u64>, RegistryError> {
        #[derive(serde::Deserialize)]
        struct Hint {
            generation: u64,
        }
        let bytes = self.objects.get(&self.hint_file()).await?;
        // A hint that cannot be read is no hint: the walk starts at the first generation.
        Ok(bytes
            .and_then(|bytes| serde_json::from_slice::<Hint>(&bytes).ok())
            .map(|hint| hint.generation))
    }

    /// Every generation, oldest first.
    pub(crate) async fn all<T: DeserializeOwned>(&self) -> Result<Vec<Link<T>>, RegistryError> {
        let mut links = Vec::new();
        while let Some(link) = self.get(links.len() as u64 + 1).await? {
            links.push(link);
        }
        Ok(links)
    }

    /// Puts the next generation. False: someone else has put another one.
    pub(crate) async fn push<T: Serialize>(&self, link: &Link<T>) -> Result<bool, RegistryError> {
        let file = self.file(link.generation);
        let bytes =
            serde_json::to_vec_pretty(link).map_err(|error| RegistryError::malformed(&file, error))?;
        if let Created::Other(_) = self.objects.create(&file, bytes.clone().into()).await? {
            return Ok(false);
        }
        // The move is done; a hint that lags costs readers a few reads.
        if let Err(error) = self.objects.put(&self.hint_file(), bytes.into()).await {
            tracing::warn!(
                registry.file = self.hint_file(),
                error = &error as &dyn std::error::Error,
                "hint not written"
            );
        }
        Ok(true)
    }
}
