//! The digest of a manifest is that of its text as it lies, so that a program reads what a later one wrote.

use std::collections::BTreeMap;

use ceteris_contract::arrays::{Array, Arrays, Lists, Values};
use ceteris_contract::identity::hex;
use ceteris_contract::manifest::{EffectManifest, EffectWhat, Manifest, Provenance, What};
use ceteris_contract::time::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn manifest(arrays: &Arrays) -> Manifest {
    let what = What {
        problem: "shop".into(),
        problem_model_digest: "m".into(),
        graph_digest: "g".into(),
        dataset_digest: "d".into(),
        rows: 10,
        units: 7,
        seed: 1,
        folds: 5,
        learners: BTreeMap::from([("outcome".into(), "ridge \"of\" {sorts}".into())]),
        features: Vec::new(),
        feature_hash: "f".into(),
        effect_basis: Vec::new(),
        effects: Vec::new(),
        not_served: Vec::new(),
        diagnostics: BTreeMap::from([("r2".into(), json!(0.1 + 0.2))]),
        gates: BTreeMap::new(),
        assumed: false,
    };
    let provenance = Provenance {
        trained_at: Timestamp(1),
        as_of: None,
        ceteris_version: "0.1.0".into(),
        lake_versions: BTreeMap::new(),
        operation_digest: None,
    };
    Manifest::name(what, provenance, arrays)
}

fn arrays() -> Arrays {
    let beta = Array {
        shape: vec![2],
        data: vec![0.1, -0.0],
    };
    Arrays::from([("beta/bought/coupon".to_owned(), beta)])
}

/// The pretty text of `manifest` with one more key in `what`, which no program of today knows, and its digest mended.
fn of_a_later_program(manifest: &Manifest, mend: impl Fn(&str) -> String) -> String {
    let text = serde_json::to_string_pretty(manifest).unwrap();
    let text = text.replacen(
        "\"problem\": ",
        "\"later\": { \"a  b\": [1.50, {}] },\n    \"problem\": ",
        1,
    );
    let what = serde_json::to_string(&manifest.what).unwrap();
    let what = what.replacen("{\"problem\"", "{\"later\":{\"a  b\":[1.50,{}]},\"problem\"", 1);
    text.replace(&manifest.digest, &mend(&what))
}

#[test]
fn a_manifest_with_a_key_that_is_not_known_is_verified_as_it_lies() {
    // Without arrays the digest is that of the text alone, after its length.
    let none = Arrays::new();
    let before = manifest(&none);
    assert!(before.verify(&none) && !before.verify(&arrays()));
    let digest = |what: &str| {
        let mut hash = Sha256::new();
        hash.update((what.len() as u64).to_le_bytes());
        hash.update(what);
        hex(&hash.finalize())
    };
    assert_eq!(
        digest(&serde_json::to_string(&before.what).unwrap()),
        before.digest
    );
    let text = of_a_later_program(&before, digest);
    let mut read: Manifest = serde_json::from_str(&text).unwrap();
    read.version = format!("shop-{}", &read.digest[..12]);
    assert_eq!(read.what, before.what);
    assert_ne!(read.digest, before.digest);
    assert!(read.verify(&none), "{text}");
    // The key that is not known is content as any other.
    let mut changed: Manifest = serde_json::from_str(&text.replace("1.50", "1.51")).unwrap();
    changed.version = read.version.clone();
    assert!(!changed.verify(&none));
    // Content changed in memory is not what the text says any more.
    read.what.rows += 1;
    assert!(!read.verify(&none));
}

#[test]
fn a_manifest_without_new_keys_reads_back_equal_and_verifies() {
    let arrays = arrays();
    let manifest = manifest(&arrays);
    for text in [
        serde_json::to_string_pretty(&manifest).unwrap(),
        serde_json::to_string(&manifest).unwrap(),
    ] {
        let read: Manifest = serde_json::from_str(&text).unwrap();
        assert_eq!(read, manifest);
        assert!(read.verify(&arrays));
        // What judged it is told only by those that know it, and is no part of the digest.
        assert!(!text.contains("operation_digest"), "{text}");
        let mut judged = read.clone();
        judged.provenance.operation_digest = Some("o".into());
        assert!(judged.verify(&arrays));
        let text = serde_json::to_string(&judged).unwrap();
        assert_eq!(serde_json::from_str::<Manifest>(&text).unwrap(), judged);
    }
}

#[test]
fn an_effect_manifest_is_verified_as_it_lies() {
    let lists = Lists::from([("a".to_owned(), Values::U16(vec![7, 1]))]);
    let what = EffectWhat {
        learner: "forest".into(),
        outcome: "y".into(),
        treatment: "d".into(),
        control: "0".into(),
        arms: vec!["1".into()],
        columns: Vec::new(),
        rows: 3,
        seed: 1,
        folds: 5,
        identification: "assumed".into(),
        compared: Vec::new(),
        basis: Value::Null,
    };
    let manifest = EffectManifest::name(what, "0".into(), &lists);
    let text = serde_json::to_string_pretty(&manifest).unwrap();
    let read: EffectManifest = serde_json::from_str(&text).unwrap();
    assert_eq!(read, manifest);
    assert!(read.verify(&lists));
    let more = text.replacen("\"learner\"", "\"later\": 1, \"learner\"", 1);
    let read: EffectManifest = serde_json::from_str(&more).unwrap();
    assert_eq!(read.what, manifest.what);
    assert!(!read.verify(&lists), "the digest is not that of this text");
}
