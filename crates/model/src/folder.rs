//! Effect models in a folder of the user's own: `manifest.json` beside `arrays.safetensors`, written once, checked by
//! digest when read. No code is in them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use ceteris_contract::arrays::Lists;
use ceteris_contract::manifest::{EffectManifest, MANIFEST_VERSION};

use crate::tensors;

const MANIFEST: &str = "manifest.json";
const ARRAYS: &str = "arrays.safetensors";

/// Why an effect model could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The folder has a model already.
    #[error("{} holds a model already, and models are written once; name a new folder", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// A file could not be written or read.
    #[error("{}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A file is not what its name says.
    #[error("{} is no part of an effect model ({reason}); name a folder that fit-effect left", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The content is not what the digest names.
    #[error("the model in {} is damaged: its content is not what its digest names; fit it again or copy it again", path.display())]
    Corrupt {
        /// The folder.
        path: PathBuf,
    },
}

/// Writes a model into a folder, which is made where it is missing: arrays first, manifest last, each under a name of
/// its own until it is whole. A fit stopped in between leaves no model, and nothing in the way of the next.
///
/// # Errors
/// A folder that holds a model already; files that cannot be written.
pub fn write(folder: &Path, manifest: &EffectManifest, lists: &Lists) -> Result<(), FolderError> {
    check_new(folder)?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| FolderError::File { path, source }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let malformed = |name: &str, reason: String| FolderError::Malformed {
        path: folder.join(name),
        reason,
    };
    let arrays = tensors::encode_lists(lists).map_err(|e| malformed(ARRAYS, e.to_string()))?;
    let json = serde_json::to_vec_pretty(manifest).map_err(|e| malformed(MANIFEST, e.to_string()))?;
    for (name, bytes) in [(ARRAYS, &arrays), (MANIFEST, &json)] {
        let (path, part) = (folder.join(name), folder.join(format!("{name}.part")));
        let mut file = fs::File::create(&part).map_err(failed(&part))?;
        file.write_all(bytes)
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&part, &path))
            .map_err(failed(&path))?;
    }
    Ok(())
}

/// Refuses a folder that holds a model: asked before a long fit, and again when its model is written.
///
/// # Errors
/// [`FolderError::Exists`].
pub fn check_new(folder: &Path) -> Result<(), FolderError> {
    if folder.join(MANIFEST).exists() {
        return Err(FolderError::Exists {
            path: folder.to_owned(),
        });
    }
    Ok(())
}

/// The model in a folder, its digest checked.
///
/// # Errors
/// Files that are missing, malformed, of another layout version, or not what the digest names.
pub fn read(folder: &Path) -> Result<(EffectManifest, Lists), FolderError> {
    let bytes_of = |name: &str| {
        let path = folder.join(name);
        fs::read(&path).map_err(|source| FolderError::File { path, source })
    };
    let malformed = |name: &str, reason: String| FolderError::Malformed {
        path: folder.join(name),
        reason,
    };
    let manifest: EffectManifest =
        serde_json::from_slice(&bytes_of(MANIFEST)?).map_err(|e| malformed(MANIFEST, e.to_string()))?;
    if manifest.manifest_version != MANIFEST_VERSION {
        let found = manifest.manifest_version;
        let reason = format!("it has layout {found}, this program reads {MANIFEST_VERSION}");
        return Err(malformed(MANIFEST, reason));
    }
    let bytes = bytes_of(ARRAYS)?;
    let lists = tensors::decode_lists(&bytes).map_err(|e| malformed(ARRAYS, e.to_string()))?;
    if manifest.verify(&lists) {
        Ok((manifest, lists))
    } else {
        Err(FolderError::Corrupt {
            path: folder.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use ceteris_contract::arrays::Values;
    use ceteris_contract::manifest::{EffectColumn, EffectWhat};

    use super::*;

    fn model() -> (EffectManifest, Lists) {
        let lists = Lists::from([
            ("a".to_owned(), Values::F64(vec![0.1, f64::NAN, -0.0])),
            ("b".to_owned(), Values::U32(vec![u32::MAX, 0])),
            ("c".to_owned(), Values::U16(vec![7])),
        ]);
        let what = EffectWhat {
            learner: "forest".to_owned(),
            outcome: "y".to_owned(),
            treatment: "d".to_owned(),
            control: "0".to_owned(),
            arms: vec!["1".to_owned()],
            columns: vec![EffectColumn {
                name: "x".to_owned(),
                levels: None,
            }],
            rows: 3,
            seed: 1,
            folds: 5,
            identification: "assumed".into(),
            compared: Vec::new(),
            basis: serde_json::Value::Null,
        };
        (EffectManifest::name(what, "0".to_owned(), &lists), lists)
    }

    #[test]
    fn what_is_written_is_read_back_bit_by_bit_and_only_once() {
        let folder = tempfile::tempdir().unwrap();
        let (manifest, lists) = model();
        write(folder.path(), &manifest, &lists).unwrap();
        let (read, arrays) = read(folder.path()).unwrap();
        assert_eq!(read, manifest);
        assert!(arrays.keys().eq(lists.keys()));
        assert!(
            arrays
                .values()
                .zip(lists.values())
                .all(|(a, b)| a.to_bytes() == b.to_bytes())
        );
        let again = write(folder.path(), &manifest, &lists);
        assert!(matches!(again, Err(FolderError::Exists { .. })));
    }

    #[test]
    fn whatever_is_damaged_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let (manifest, lists) = model();
        write(folder.path(), &manifest, &lists).unwrap();
        for name in [ARRAYS, MANIFEST] {
            let file = folder.path().join(name);
            let whole = fs::read(&file).unwrap();
            // Cut off anywhere, no byte missing but changed anywhere, or another file altogether.
            for cut in 0..whole.len() {
                fs::write(&file, &whole[..cut]).unwrap();
                assert!(read(folder.path()).is_err(), "{name} cut at {cut}");
            }
            for at in (0..whole.len()).step_by(3) {
                let mut bytes = whole.clone();
                bytes[at] ^= 0x21;
                fs::write(&file, bytes).unwrap();
                match read(folder.path()) {
                    Err(_) => {}
                    // White space between the fields of a manifest, or the program's version, says nothing.
                    Ok((read, _)) => {
                        assert!(name == MANIFEST && read.what == manifest.what, "{name} at {at}")
                    }
                }
            }
            fs::write(&file, b"\x80\x04\x95 a pickle, say").unwrap();
            let error = read(folder.path()).unwrap_err().to_string();
            assert!(
                error.contains(name) && error.contains("name a folder that fit-effect left"),
                "{error}"
            );
            fs::write(&file, whole).unwrap();
        }
        assert!(matches!(
            read(&folder.path().join("nowhere")),
            Err(FolderError::File { .. })
        ));
        let later = EffectManifest {
            manifest_version: MANIFEST_VERSION + 1,
            ..manifest
        };
        fs::write(folder.path().join(MANIFEST), serde_json::to_vec(&later).unwrap()).unwrap();
        let error = read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("layout"), "{error}");
    }

    #[test]
    fn a_write_that_was_stopped_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let (manifest, lists) = model();
        fs::write(folder.path().join(ARRAYS), b"half of it").unwrap();
        write(folder.path(), &manifest, &lists).unwrap();
        assert_eq!(read(folder.path()).unwrap().0, manifest);
    }
}
