//! Effect models in a folder of the user's own: `manifest.json` beside `arrays.safetensors`, written once, checked by
//! digest when read. No code is in them.

use std::borrow::Cow;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use ceteris_contract::arrays::{Lists, Values};
use ceteris_contract::manifest::{EffectManifest, MANIFEST_VERSION};
use safetensors::tensor::SafeTensors;
use safetensors::{Dtype, View};

const MANIFEST: &str = "manifest.json";
const ARRAYS: &str = "arrays.safetensors";

/// Why an effect model could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum EffectModelError {
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

/// One array as safetensors sees it.
struct List<'a>(&'a Values, [usize; 1]);

impl View for List<'_> {
    fn dtype(&self) -> Dtype {
        match self.0 {
            Values::F64(_) => Dtype::F64,
            Values::U32(_) => Dtype::U32,
            Values::U16(_) => Dtype::U16,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.1
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.0.to_bytes().into()
    }

    fn data_len(&self) -> usize {
        let each = match self.0 {
            Values::F64(_) => 8,
            Values::U32(_) => 4,
            Values::U16(_) => 2,
        };
        each * self.0.len()
    }
}

/// Writes a model into a folder, which is made where it is missing: arrays first, manifest last, each under a name of
/// its own until it is whole. A fit stopped in between leaves no model, and nothing in the way of the next.
///
/// # Errors
/// A folder that holds a model already; files that cannot be written.
pub fn write_effect_model(
    folder: &Path,
    manifest: &EffectManifest,
    lists: &Lists,
) -> Result<(), EffectModelError> {
    check_effect_folder(folder)?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| EffectModelError::File { path, source }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let malformed = |name: &str, reason: String| EffectModelError::Malformed {
        path: folder.join(name),
        reason,
    };
    let views = lists
        .iter()
        .map(|(name, values)| (name, List(values, [values.len()])));
    let arrays = safetensors::serialize(views, None).map_err(|e| malformed(ARRAYS, e.to_string()))?;
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
/// [`EffectModelError::Exists`].
pub fn check_effect_folder(folder: &Path) -> Result<(), EffectModelError> {
    if folder.join(MANIFEST).exists() {
        return Err(EffectModelError::Exists {
            path: folder.to_owned(),
        });
    }
    Ok(())
}

/// The model in a folder, its digest checked.
///
/// # Errors
/// Files that are missing, malformed, of another layout version, or not what the digest names.
pub fn read_effect_model(folder: &Path) -> Result<(EffectManifest, Lists), EffectModelError> {
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read(&path).map_err(|source| EffectModelError::File { path, source })
    };
    let malformed = |name: &str, reason: String| EffectModelError::Malformed {
        path: folder.join(name),
        reason,
    };
    let manifest: EffectManifest =
        serde_json::from_slice(&read(MANIFEST)?).map_err(|e| malformed(MANIFEST, e.to_string()))?;
    if manifest.manifest_version != MANIFEST_VERSION {
        let found = manifest.manifest_version;
        let reason = format!("it has layout {found}, this program reads {MANIFEST_VERSION}");
        return Err(malformed(MANIFEST, reason));
    }
    let bytes = read(ARRAYS)?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|e| malformed(ARRAYS, e.to_string()))?;
    let mut lists = Lists::new();
    for (name, tensor) in tensors.tensors() {
        let data = tensor.data();
        let values = match tensor.dtype() {
            Dtype::F64 => Values::F64(numbers(data, f64::from_le_bytes)),
            Dtype::U32 => Values::U32(numbers(data, u32::from_le_bytes)),
            Dtype::U16 => Values::U16(numbers(data, u16::from_le_bytes)),
            other => return Err(malformed(ARRAYS, format!("the array {name} has kind {other:?}"))),
        };
        lists.insert(name, values);
    }
    if manifest.verify(&lists) {
        Ok((manifest, lists))
    } else {
        Err(EffectModelError::Corrupt {
            path: folder.to_owned(),
        })
    }
}

/// The numbers of little-endian bytes, `N` of them each.
fn numbers<T, const N: usize>(bytes: &[u8], of: fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|chunk| of(*chunk)).collect()
}

#[cfg(test)]
mod tests {
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
        write_effect_model(folder.path(), &manifest, &lists).unwrap();
        let (read, arrays) = read_effect_model(folder.path()).unwrap();
        assert_eq!(read, manifest);
        assert!(arrays.keys().eq(lists.keys()));
        assert!(
            arrays
                .values()
                .zip(lists.values())
                .all(|(a, b)| a.to_bytes() == b.to_bytes())
        );
        let again = write_effect_model(folder.path(), &manifest, &lists);
        assert!(matches!(again, Err(EffectModelError::Exists { .. })));
    }

    #[test]
    fn whatever_is_damaged_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let (manifest, lists) = model();
        write_effect_model(folder.path(), &manifest, &lists).unwrap();
        for name in [ARRAYS, MANIFEST] {
            let file = folder.path().join(name);
            let whole = fs::read(&file).unwrap();
            // Cut off anywhere, no byte missing but changed anywhere, or another file altogether.
            for cut in 0..whole.len() {
                fs::write(&file, &whole[..cut]).unwrap();
                assert!(read_effect_model(folder.path()).is_err(), "{name} cut at {cut}");
            }
            for at in (0..whole.len()).step_by(3) {
                let mut bytes = whole.clone();
                bytes[at] ^= 0x21;
                fs::write(&file, bytes).unwrap();
                match read_effect_model(folder.path()) {
                    Err(_) => {}
                    // White space between the fields of a manifest, or the program's version, says nothing.
                    Ok((read, _)) => {
                        assert!(name == MANIFEST && read.what == manifest.what, "{name} at {at}")
                    }
                }
            }
            fs::write(&file, b"\x80\x04\x95 a pickle, say").unwrap();
            let error = read_effect_model(folder.path()).unwrap_err().to_string();
            assert!(
                error.contains(name) && error.contains("name a folder that fit-effect left"),
                "{error}"
            );
            fs::write(&file, whole).unwrap();
        }
        assert!(matches!(
            read_effect_model(&folder.path().join("nowhere")),
            Err(EffectModelError::File { .. })
        ));
        let later = EffectManifest {
            manifest_version: MANIFEST_VERSION + 1,
            ..manifest
        };
        fs::write(folder.path().join(MANIFEST), serde_json::to_vec(&later).unwrap()).unwrap();
        let error = read_effect_model(folder.path()).unwrap_err().to_string();
        assert!(error.contains("layout"), "{error}");
    }

    #[test]
    fn a_write_that_was_stopped_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let (manifest, lists) = model();
        fs::write(folder.path().join(ARRAYS), b"half of it").unwrap();
        write_effect_model(folder.path(), &manifest, &lists).unwrap();
        assert_eq!(read_effect_model(folder.path()).unwrap().0, manifest);
    }
}
