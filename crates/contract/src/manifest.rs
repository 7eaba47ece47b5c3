//! What an artifact is: the manifest beside its arrays.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::arrays::{Arrays, Lists};
use crate::identity::hex;
use crate::problem::ViewKind;
use crate::time::Timestamp;
pub use crate::what_text::WhatText;

/// Layout version of manifest and arrays; a reader refuses what it does not know.
pub const MANIFEST_VERSION: u32 = 1;

/// An artifact's manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ManifestFile")]
pub struct Manifest {
    /// Layout version.
    pub manifest_version: u32,
    /// `<problem>-<12 hex of digest>`.
    pub version: String,
    /// SHA-256 over `what` and the arrays.
    pub digest: String,
    /// What the model is; covered by the digest.
    pub what: What,
    /// When, where and by what it was made; not covered.
    pub provenance: Provenance,
    /// The text of `what` that the digest is taken over: as it lies in the file this was read from.
    #[serde(skip)]
    pub what_text: WhatText,
}

/// A manifest as its file has it.
#[derive(Deserialize)]
struct ManifestFile {
    manifest_version: u32,
    version: String,
    digest: String,
    what: Box<RawValue>,
    provenance: Provenance,
}

impl TryFrom<ManifestFile> for Manifest {
    type Error = String;

    fn try_from(file: ManifestFile) -> Result<Self, String> {
        let (what, what_text) = WhatText::read(&file.what)?;
        Ok(Manifest {
            manifest_version: file.manifest_version,
            version: file.version,
            digest: file.digest,
            what,
            provenance: file.provenance,
            what_text,
        })
    }
}

/// The content of a model besides its arrays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct What {
    /// The problem's name.
    pub problem: String,
    /// Digest of the problem's model part: one of [`ModelDigests`](crate::problem::ModelDigests).
    pub problem_model_digest: String,
    /// Digest of the graph.
    pub graph_digest: String,
    /// `what` and training data of the fit.
    pub dataset_digest: String,
    /// Rows and units it was trained on.
    pub rows: u64,
    /// Distinct units.
    pub units: u64,
    /// Seed of folds.
    pub seed: u64,
    /// Number of folds.
    pub folds: u32,
    /// Learners by nuisance, in words.
    pub learners: BTreeMap<String, String>,
    /// Views the served effects read, in the order of the feature vector.
    pub features: Vec<FeatureSchema>,
    /// SHA-256 of `features`.
    pub feature_hash: String,
    /// phi(x), in the order of the coefficient arrays.
    pub effect_basis: Vec<BasisTerm>,
    /// One entry per served treatment × outcome × arm.
    pub effects: Vec<ServedEffect>,
    /// Treatments × outcomes without an effect per unit, each with its reason and witness.
    pub not_served: Vec<NotServed>,
    /// Overlap, balance and nuisance fit.
    pub diagnostics: BTreeMap<String, Json>,
    /// Gates by name, each with the value seen and the bound it passed.
    pub gates: BTreeMap<String, GateResult>,
    /// True where the identification is the user's claim, not proved from a graph; such a model is never promoted.
    #[serde(default)]
    pub assumed: bool,
}

/// One feature a model reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeatureSchema {
    /// The view's name.
    pub name: String,
    /// Number or category.
    pub kind: ViewKind,
    /// Smallest and largest value in the training rows (numbers); outside is out of support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[f64; 2]>,
    /// Categories in the training rows; others are out of support.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<String>,
}

/// One term of the effect basis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum BasisTerm {
    /// 1.
    Intercept,
    /// (x − center) / scale.
    Standardised {
        /// The view.
        feature: String,
        /// Subtracted.
        center: f64,
        /// Divided by; positive.
        scale: f64,
    },
    /// 1 where the category equals the level.
    Level {
        /// The view.
        feature: String,
        /// The category.
        level: String,
    },
}

/// One served effect. Its coefficients are the arrays `beta/<outcome>/<arm>` (q) and `cov/<outcome>/<arm>` (q × q).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServedEffect {
    /// The treatment.
    pub treatment: String,
    /// The arm.
    pub arm: String,
    /// The outcome.
    pub outcome: String,
    /// The average effect E[tau(X)] over the dataset's weighted rows, against control.
    pub estimate: f64,
    /// Its standard error, clustered by unit.
    pub std_error: f64,
    /// Its 95 % interval.
    pub ci: [f64; 2],
    /// Two-sided p-value of no average effect.
    pub p_value: f64,
    /// Difference in means without adjustment, for comparison.
    pub naive: f64,
    /// Its 95 % interval.
    pub naive_ci: [f64; 2],
    /// Rows of the arm and of control.
    pub rows: [u64; 2],
    /// The estimand in words.
    pub estimand: String,
    /// What identification proved: strategy, adjustment set, the estimand's tree.
    pub identification: Json,
}

impl ServedEffect {
    /// Name of the coefficient array.
    pub fn beta(&self) -> String {
        format!("beta/{}/{}", self.outcome, self.arm)
    }

    /// Name of the covariance array.
    pub fn cov(&self) -> String {
        format!("cov/{}/{}", self.outcome, self.arm)
    }
}

/// A treatment × outcome that has no effect per unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NotServed {
    /// The treatment.
    pub treatment: String,
    /// The outcome.
    pub outcome: String,
    /// `not_identified` | `unit_effect_unavailable` | `too_few_rows`.
    pub reason: String,
    /// The proof: a hedge, or how it is identified on average only.
    pub witness: Json,
}

/// One gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateResult {
    /// What was seen.
    pub value: f64,
    /// What it was held to.
    pub bound: f64,
    /// Whether it passed.
    pub passed: bool,
}

/// When, where and by what an artifact was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The trainer's clock.
    pub trained_at: Timestamp,
    /// The dataset's `as_of`.
    #[serde(default)]
    pub as_of: Option<Timestamp>,
    /// The program's version.
    pub ceteris_version: String,
    /// Version of the lake tables the dataset was made from, by table.
    #[serde(default)]
    pub lake_versions: BTreeMap<String, u64>,
    /// Digest of the problem's operation part, whose gates judged it; none where the manifest pins model part and gates
    /// by one digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_digest: Option<String>,
}

impl Manifest {
    /// Names `what` and `arrays` by their digest.
    pub fn name(what: What, provenance: Provenance, arrays: &Arrays) -> Self {
        let what_text = WhatText::write(&what);
        let digest = artifact_digest(what_text.as_str(), arrays);
        let version = format!("{}-{}", what.problem, &digest[..12]);
        Manifest {
            manifest_version: MANIFEST_VERSION,
            version,
            digest,
            what,
            provenance,
            what_text,
        }
    }

    /// SHA-256 in hex of what this manifest and `arrays` hold: what `digest` should be.
    pub fn content_digest(&self, arrays: &Arrays) -> String {
        artifact_digest(&self.what_text.of(&self.what), arrays)
    }

    /// True if digest and version are those of the content.
    pub fn verify(&self, arrays: &Arrays) -> bool {
        let digest = self.content_digest(arrays);
        self.digest == digest && self.version == format!("{}-{}", self.what.problem, &digest[..12])
    }
}

/// SHA-256 in hex over the JSON text of `what`, then every array in name order by shape and bits.
fn artifact_digest(what: &str, arrays: &Arrays) -> String {
    let mut hash = Sha256::new();
    hash.update((what.len() as u64).to_le_bytes());
    hash.update(what);
    for (name, array) in arrays {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name.as_bytes());
        hash.update((array.shape.len() as u64).to_le_bytes());
        for axis in &array.shape {
            hash.update((*axis as u64).to_le_bytes());
        }
        for value in &array.data {
            hash.update(value.to_bits().to_le_bytes());
        }
    }
    hex(&hash.finalize())
}

/// SHA-256 in hex of a feature schema: names, kinds and order.
pub fn feature_hash(features: &[FeatureSchema]) -> String {
    let names: Vec<(&str, ViewKind)> = features.iter().map(|f| (f.name.as_str(), f.kind)).collect();
    hex(&Sha256::digest(
        serde_json::to_vec(&names).expect("plain data serialises"),
    ))
}

/// The manifest of effects learned from a table of the user's own: a folder, not a version in a registry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "EffectManifestFile")]
pub struct EffectManifest {
    /// Layout version.
    pub manifest_version: u32,
    /// SHA-256 over `what` and the arrays.
    pub digest: String,
    /// What the model is; covered by the digest.
    pub what: EffectWhat,
    /// The program's version; not covered.
    pub ceteris_version: String,
    /// The text of `what` that the digest is taken over: as it lies in the file this was read from.
    #[serde(skip)]
    pub what_text: WhatText,
}

/// An effect model's manifest as its file has it.
#[derive(Deserialize)]
struct EffectManifestFile {
    manifest_version: u32,
    digest: String,
    what: Box<RawValue>,
    ceteris_version: String,
}

impl TryFrom<EffectManifestFile> for EffectManifest {
    type Error = String;

    fn try_from(file: EffectManifestFile) -> Result<Self, String> {
        let (what, what_text) = WhatText::read(&file.what)?;
        Ok(EffectManifest {
            manifest_version: file.manifest_version,
            digest: file.digest,
            what,
            ceteris_version: file.ceteris_version,
            what_text,
        })
    }
}

/// The content of an effect model besides its arrays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EffectWhat {
    /// The learner's name.
    pub learner: String,
    /// The outcome's column.
    pub outcome: String,
    /// The treatment's column.
    pub treatment: String,
    /// The control's value, and those of the other arms in the order of the effects; both empty for a dose.
    pub control: String,
    /// See `control`.
    pub arms: Vec<String>,
    /// Columns of a row: name and, for categories, their levels.
    pub columns: Vec<EffectColumn>,
    /// Rows of the fit.
    pub rows: u64,
    /// Seed of folds and forests.
    pub seed: u64,
    /// Folds of cross-fitting.
    pub folds: u32,
    /// How the covariates are known to suffice: `assumed`, for a table without a graph.
    pub identification: Json,
    /// How the learners compared, best first, where the learner was chosen among several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compared: Vec<Json>,
    /// Parts that are no arrays: the modifiers of a linear basis.
    #[serde(default, skip_serializing_if = "Json::is_null")]
    pub basis: Json,
}

/// A column that effects are asked with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EffectColumn {
    /// Its name.
    pub name: String,
    /// Levels of a category, absent for a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub levels: Option<Vec<String>>,
}

impl EffectManifest {
    /// Names `what` and the arrays by their digest.
    pub fn name(what: EffectWhat, ceteris_version: String, lists: &Lists) -> Self {
        let what_text = WhatText::write(&what);
        EffectManifest {
            manifest_version: MANIFEST_VERSION,
            digest: effect_digest(what_text.as_str(), lists),
            what,
            ceteris_version,
            what_text,
        }
    }

    /// True if the digest is that of the content.
    pub fn verify(&self, lists: &Lists) -> bool {
        self.digest == effect_digest(&self.what_text.of(&self.what), lists)
    }
}

/// SHA-256 in hex over the JSON text of `what`, then every array in name order by kind, length and bits.
fn effect_digest(what: &str, lists: &Lists) -> String {
    let mut hash = Sha256::new();
    hash.update((what.len() as u64).to_le_bytes());
    hash.update(what);
    for (name, values) in lists {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name.as_bytes());
        hash.update(values.kind().as_bytes());
        hash.update((values.len() as u64).to_le_bytes());
        hash.update(values.to_bytes());
    }
    hex(&hash.finalize())
}
