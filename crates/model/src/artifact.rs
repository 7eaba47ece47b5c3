//! A published model as the bytes of its two files, and back. Where the files lie is not known here.

use std::error::Error;

use ceteris_contract::arrays::Arrays;
use ceteris_contract::manifest::{MANIFEST_VERSION, Manifest, model_digest};

use crate::tensors;

/// Why a model is not written, or bytes are no model.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// Manifest and arrays do not agree, or would not read back.
    #[error("{reason}")]
    Inconsistent {
        /// What is wrong.
        reason: String,
    },
    /// The manifest cannot be read.
    #[error("the manifest cannot be read")]
    Manifest {
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The manifest is of a layout that this build does not know.
    #[error("the manifest has layout version {found}, this build reads {known}")]
    ManifestVersion {
        /// Its layout.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// The arrays cannot be read.
    #[error("the arrays cannot be read")]
    Arrays {
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The arrays are not those that the digest in their own file names.
    #[error("the arrays have digest {found}, not {expected}")]
    ArraysCorrupt {
        /// The digest in the file's header.
        expected: String,
        /// The digest of its arrays.
        found: String,
    },
    /// Manifest and arrays together are not what the manifest's digest names.
    #[error("manifest and arrays have digest {found}, not {expected}")]
    ManifestCorrupt {
        /// The manifest's digest.
        expected: String,
        /// The digest of the content.
        found: String,
    },
}

/// The bytes of a model's two files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactFiles {
    /// JSON.
    pub manifest: Vec<u8>,
    /// safetensors.
    pub arrays: Vec<u8>,
}

/// Both files, after a check that what will be read back is what was meant.
///
/// # Errors
/// [`ArtifactError::Inconsistent`].
pub fn encode(manifest: &Manifest, arrays: &Arrays) -> Result<ArtifactFiles, ArtifactError> {
    let refuse = |reason: String| ArtifactError::Inconsistent { reason };
    for (name, array) in arrays {
        if array.shape.iter().product::<usize>() != array.data.len() {
            let (shape, values) = (&array.shape, array.data.len());
            return Err(refuse(format!(
                "the array {name} has shape {shape:?} and {values} values"
            )));
        }
    }
    if !manifest.verify(arrays) {
        let found = model_digest(&manifest.what, arrays);
        return Err(refuse(format!(
            "its content has digest {found}, not {}",
            manifest.digest
        )));
    }
    let json = serde_json::to_vec_pretty(manifest).map_err(|error| refuse(error.to_string()))?;
    // A number that JSON cannot hold would come back as something else.
    match serde_json::from_slice::<Manifest>(&json) {
        Ok(read) if read.verify(arrays) => {}
        Ok(_) => return Err(refuse("its manifest does not read back as it is".to_owned())),
        Err(error) => return Err(refuse(format!("its manifest does not read back: {error}"))),
    }
    let arrays = tensors::encode(arrays).map_err(|error| refuse(error.to_string()))?;
    Ok(ArtifactFiles {
        manifest: json,
        arrays,
    })
}

/// The manifest that these bytes are, unchecked against its arrays.
///
/// # Errors
/// [`ArtifactError::Manifest`], [`ArtifactError::ManifestVersion`].
pub fn manifest(bytes: &[u8]) -> Result<Manifest, ArtifactError> {
    #[derive(serde::Deserialize)]
    struct Layout {
        manifest_version: u32,
    }
    let read = |source| ArtifactError::Manifest { source };
    let layout: Layout = serde_json::from_slice(bytes).map_err(read)?;
    if layout.manifest_version != MANIFEST_VERSION {
        return Err(ArtifactError::ManifestVersion {
            found: layout.manifest_version,
            known: MANIFEST_VERSION,
        });
    }
    serde_json::from_slice(bytes).map_err(read)
}

/// The arrays that these bytes are, if manifest and arrays are what the digest names; else which of the two files is at
/// fault.
///
/// # Errors
/// [`ArtifactError::Arrays`], [`ArtifactError::ArraysCorrupt`], [`ArtifactError::ManifestCorrupt`].
pub fn arrays(manifest: &Manifest, bytes: &[u8]) -> Result<Arrays, ArtifactError> {
    let decoded = tensors::decode(bytes).map_err(|source| ArtifactError::Arrays { source })?;
    if manifest.verify(&decoded.arrays) {
        return Ok(decoded.arrays);
    }
    let own = tensors::digest(&decoded.arrays);
    if let Some(claimed) = decoded.claimed
        && claimed != own
    {
        return Err(ArtifactError::ArraysCorrupt {
            expected: claimed,
            found: own,
        });
    }
    Err(ArtifactError::ManifestCorrupt {
        found: model_digest(&manifest.what, &decoded.arrays),
        expected: manifest.digest.clone(),
    })
}
