//! Publishing and loading artifacts.

use ceteris_contract::arrays::Arrays;
use ceteris_contract::manifest::Manifest;
use ceteris_model::artifact::{self, ArtifactError, ArtifactFiles};
use ceteris_objects::{Created, checked_name};
use futures::{StreamExt, TryStreamExt, stream};

use crate::error::RegistryError;
use crate::registry::Registry;

/// Manifests looked for at once in a listing: a store's latency is paid once for so many.
const LOOKS_AT_ONCE: usize = 16;

fn manifest_file(version: &str) -> String {
    format!("versions/{version}/manifest.json")
}

fn arrays_file(version: &str) -> String {
    format!("versions/{version}/arrays.safetensors")
}

impl Registry {
    /// Publishes an artifact under its own version: arrays first, manifest last. The same content again is fine, also
    /// with another provenance, of which the first stays.
    ///
    /// # Errors
    /// [`RegistryError::Unpublishable`] where manifest and arrays do not agree or would not read back,
    /// [`RegistryError::ContentDiffers`] where the version is there with another content.
    pub async fn publish(&self, manifest: &Manifest, arrays: &Arrays) -> Result<(), RegistryError> {
        let version = checked_name(&manifest.version)?;
        let (owned, values) = (manifest.clone(), arrays.clone());
        let task = tokio::task::spawn_blocking(move || encode(&owned, &values));
        let files = task.await.map_err(|source| RegistryError::Worker { source })??;
        self.create_same(&arrays_file(version), files.arrays.into())
            .await?;
        let file = manifest_file(version);
        match self.objects.create(&file, files.manifest.into()).await? {
            Created::Same => Ok(()),
            Created::Other(found) => {
                let there = parse(&file, &found)?;
                match there.digest == manifest.digest && there.what == manifest.what {
                    true => Ok(()),
                    false => Err(RegistryError::ContentDiffers {
                        file,
                        expected: manifest.digest.clone(),
                        found: there.digest,
                    }),
                }
            }
        }
    }

    /// The artifact of a version, its digest checked.
    ///
    /// # Errors
    /// [`RegistryError::UnknownVersion`]; [`RegistryError::Corrupt`] with the file at fault and both digests;
    /// [`RegistryError::Malformed`], [`RegistryError::ManifestVersion`].
    pub async fn load(&self, version: &str) -> Result<(Manifest, Arrays), RegistryError> {
        let manifest = self.manifest(version).await?;
        let file = arrays_file(version);
        let missing = || RegistryError::malformed(&file, "the manifest is there, the arrays are not");
        let bytes = self.objects.get(&file).await?.ok_or_else(missing)?;
        let task = tokio::task::spawn_blocking(move || verify(manifest, &bytes));
        task.await.map_err(|source| RegistryError::Worker { source })?
    }

    /// The manifest of a version, unchecked against its arrays: for listings.
    ///
    /// # Errors
    /// [`RegistryError::UnknownVersion`], [`RegistryError::Malformed`], [`RegistryError::ManifestVersion`].
    pub async fn manifest(&self, version: &str) -> Result<Manifest, RegistryError> {
        let file = manifest_file(checked_name(version)?);
        let Some(bytes) = self.objects.get(&file).await? else {
            return Err(RegistryError::UnknownVersion {
                version: version.to_owned(),
            });
        };
        let manifest = parse(&file, &bytes)?;
        if manifest.version != version {
            let found = manifest.version;
            return Err(RegistryError::Corrupt {
                file,
                expected: version.to_owned(),
                found,
            });
        }
        Ok(manifest)
    }

    /// The published versions, of one problem or of all, in name order.
    ///
    /// # Errors
    /// Whatever the store answers.
    pub async fn versions(&self, problem: Option<&str>) -> Result<Vec<String>, RegistryError> {
        let mut folders = self.objects.list("versions").await?.folders;
        folders.retain(|version| {
            let of = version.rsplit_once('-').map(|(problem, _)| problem);
            problem.is_none_or(|problem| of == Some(problem))
        });
        let looks = folders.into_iter().map(|version| async move {
            let there = self.objects.exists(&manifest_file(&version)).await?;
            Ok::<_, RegistryError>(there.then_some(version))
        });
        let looks: Vec<_> = looks.collect();
        let found: Vec<Option<String>> = stream::iter(looks).buffered(LOOKS_AT_ONCE).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }
}

/// Both files, after a check that what will be read back is what was meant.
fn encode(manifest: &Manifest, arrays: &Arrays) -> Result<ArtifactFiles, RegistryError> {
    artifact::encode(manifest, arrays).map_err(|error| RegistryError::Unpublishable {
        version: manifest.version.clone(),
        reason: error.to_string(),
    })
}

fn parse(file: &str, bytes: &[u8]) -> Result<Manifest, RegistryError> {
    artifact::manifest(bytes).map_err(|error| match error {
        ArtifactError::ManifestVersion { found, known } => RegistryError::ManifestVersion {
            file: file.to_owned(),
            found,
            known,
        },
        ArtifactError::Manifest { source } => RegistryError::malformed(file, source),
        other => RegistryError::malformed(file, other),
    })
}

/// The artifact if its content is what its digest names; else which of the two files is at fault.
fn verify(manifest: Manifest, bytes: &[u8]) -> Result<(Manifest, Arrays), RegistryError> {
    let version = &manifest.version;
    let arrays = artifact::arrays(&manifest, bytes).map_err(|error| match error {
        ArtifactError::ArraysCorrupt { expected, found } => RegistryError::Corrupt {
            file: arrays_file(version),
            expected,
            found,
        },
        ArtifactError::ManifestCorrupt { expected, found } => RegistryError::Corrupt {
            file: manifest_file(version),
            expected,
            found,
        },
        ArtifactError::Arrays { source } => RegistryError::malformed(&arrays_file(version), source),
        other => RegistryError::malformed(&arrays_file(version), other),
    })?;
    Ok((manifest, arrays))
}
