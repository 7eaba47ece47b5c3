//! Artifacts are written once and checked, aliases move by compare-and-set, problems keep every text.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use crate::support::Place;
use ceteris_contract::arrays::{Array, Arrays};
use ceteris_contract::manifest::{Manifest, Provenance, What};
use ceteris_contract::time::Timestamp;
use ceteris_objects::faults::FaultyStore;
use ceteris_registry::{
    AliasTarget, Disposition, HasDisposition, LogEntry, ObjectError, Registry, RegistryError,
};

fn arrays(seed: u64) -> Arrays {
    let beta = Array {
        shape: vec![3],
        data: vec![0.1 + seed as f64, -0.0, f64::MIN_POSITIVE],
    };
    let cov = Array {
        shape: vec![2, 2],
        data: vec![1.0, 1e-300, f64::MAX, -1.0 / 3.0],
    };
    Arrays::from([
        ("beta/purchase/coupon".to_owned(), beta),
        ("cov/purchase/coupon".to_owned(), cov),
    ])
}

fn manifest(problem: &str, seed: u64, trained_at: i64) -> Manifest {
    let what = What {
        problem: problem.to_owned(),
        problem_model_digest: "m".into(),
        graph_digest: "g".into(),
        dataset_digest: "d".into(),
        rows: 10,
        units: 7,
        seed,
        folds: 5,
        learners: BTreeMap::from([("outcome".into(), "ridge".into())]),
        features: Vec::new(),
        feature_hash: "f".into(),
        effect_basis: Vec::new(),
        effects: Vec::new(),
        not_served: Vec::new(),
        diagnostics: BTreeMap::from([("r2".into(), serde_json::json!(0.1 + 0.2))]),
        gates: BTreeMap::new(),
        assumed: false,
    };
    let provenance = Provenance {
        trained_at: Timestamp(trained_at),
        as_of: None,
        ceteris_version: "0.1.0".into(),
        lake_versions: BTreeMap::new(),
        operation_digest: None,
    };
    Manifest::name(what, provenance, &arrays(seed))
}

async fn published(registry: &Registry, problem: &str, seed: u64) -> Manifest {
    let manifest = manifest(problem, seed, 1);
    registry.publish(&manifest, &arrays(seed)).await.unwrap();
    manifest
}

fn entry(who: &str, at: i64) -> LogEntry {
    LogEntry {
        who: who.into(),
        at: Timestamp(at),
        reason: "gates passed".into(),
    }
}

async fn an_artifact_loads_bit_for_bit_and_is_written_once(place: Place) {
    let registry = place.registry();
    assert_eq!(registry.versions(None).await.unwrap(), Vec::<String>::new());
    let first = published(&registry, "ecommerce", 1).await;
    let (read, values) = registry.load(&first.version).await.unwrap();
    assert_eq!(read, first);
    let bits = |arrays: &Arrays| -> Vec<u64> {
        arrays
            .values()
            .flat_map(|array| array.data.iter().map(|x| x.to_bits()))
            .collect()
    };
    assert_eq!((bits(&values), values), (bits(&arrays(1)), arrays(1)));

    // Trained again later: the same content, the first provenance stays.
    registry
        .publish(&manifest("ecommerce", 1, 99), &arrays(1))
        .await
        .unwrap();
    assert_eq!(
        registry
            .manifest(&first.version)
            .await
            .unwrap()
            .provenance
            .trained_at,
        Timestamp(1)
    );

    let other = published(&registry, "hillstrom", 2).await;
    assert_eq!(
        registry.versions(Some("ecommerce")).await.unwrap(),
        vec![first.version.clone()]
    );
    assert_eq!(
        registry.versions(None).await.unwrap(),
        vec![first.version, other.version]
    );
    let missing = registry.load("ecommerce-000000000000").await.unwrap_err();
    assert!(matches!(missing, RegistryError::UnknownVersion { .. }));
}

async fn other_content_under_a_version_is_an_error_whoever_wrote_it(place: Place) {
    let registry = place.registry();
    let named = published(&registry, "ecommerce", 1).await;
    // Same twelve hex digits, other digest: what a collision would look like.
    let mut collides = named.clone();
    collides.what.rows += 1;
    let refused = registry.publish(&collides, &arrays(1)).await.unwrap_err();
    assert!(
        matches!(refused, RegistryError::Unpublishable { .. }),
        "{refused}"
    );

    let arrays_file = format!("versions/{}/arrays.safetensors", named.version);
    place.write(&arrays_file, "something else").await;
    let refused = registry.publish(&named, &arrays(1)).await.unwrap_err();
    assert!(
        matches!(refused, RegistryError::ContentDiffers { .. }),
        "{refused}"
    );
}

async fn a_publisher_killed_before_the_manifest_has_published_nothing(place: Place) {
    let registry = place.registry();
    let named = published(&registry, "ecommerce", 1).await;
    place
        .remove(&format!("versions/{}/manifest.json", named.version))
        .await;
    assert!(registry.versions(None).await.unwrap().is_empty());
    let missing = registry.load(&named.version).await.unwrap_err();
    assert!(matches!(missing, RegistryError::UnknownVersion { .. }));
    published(&registry, "ecommerce", 1).await;
    assert_eq!(registry.load(&named.version).await.unwrap().0, named);
}

async fn what_would_not_read_back_is_not_published(place: Place) {
    let registry = place.registry();
    let mut odd = arrays(1);
    odd.insert(
        "odd".into(),
        Array {
            shape: vec![4],
            data: vec![0.0],
        },
    );
    let sound = manifest("ecommerce", 1, 1);
    let named = Manifest::name(sound.what.clone(), sound.provenance.clone(), &odd);
    assert!(matches!(
        registry.publish(&named, &odd).await,
        Err(RegistryError::Unpublishable { .. })
    ));

    let mut what = sound.what;
    let infinite = ceteris_contract::manifest::GateResult {
        value: f64::INFINITY,
        bound: 0.0,
        passed: true,
    };
    what.gates.insert("overlap".into(), infinite);
    let named = Manifest::name(what, sound.provenance, &arrays(1));
    let refused = registry.publish(&named, &arrays(1)).await.unwrap_err();
    assert!(
        matches!(refused, RegistryError::Unpublishable { .. }),
        "{refused}"
    );
    assert!(registry.versions(None).await.unwrap().is_empty());
}

/// Turns one byte of a file, found by the text around it.
async fn turn(place: &Place, file: &str, before: &[u8], skip: usize) {
    let mut bytes = place.read(file).await;
    let at = bytes
        .windows(before.len())
        .position(|window| window == before)
        .unwrap();
    bytes[at + skip] ^= 1;
    place.write(file, bytes).await;
}

async fn a_corrupt_artifact_is_refused_by_file_and_digests(place: Place) {
    let registry = place.registry();
    let named = published(&registry, "ecommerce", 1).await;
    let arrays_file = format!("versions/{}/arrays.safetensors", named.version);
    let manifest_file = format!("versions/{}/manifest.json", named.version);

    turn(&place, &arrays_file, &f64::MAX.to_le_bytes(), 0).await;
    match registry.load(&named.version).await.unwrap_err() {
        RegistryError::Corrupt {
            file,
            expected,
            found,
        } => {
            assert!(file.ends_with("arrays.safetensors"), "{file}");
            assert_ne!(expected, found);
        }
        other => panic!("{other}"),
    }
    let turned = f64::from_bits(f64::MAX.to_bits() ^ 1).to_le_bytes();
    turn(&place, &arrays_file, &turned, 0).await;
    registry.load(&named.version).await.unwrap();

    turn(&place, &manifest_file, b"\"rows\": 10", 9).await;
    match registry.load(&named.version).await.unwrap_err() {
        RegistryError::Corrupt {
            file,
            expected,
            found,
        } => {
            assert!(file.ends_with("manifest.json"), "{file}");
            assert_eq!(expected, named.digest);
            assert_ne!(found, named.digest);
        }
        other => panic!("{other}"),
    }
    place.write(&manifest_file, "{\"manifest_version\": 2}").await;
    let newer = registry.load(&named.version).await.unwrap_err();
    assert!(matches!(newer, RegistryError::ManifestVersion { found: 2, .. }));
    place.write(&manifest_file, "{").await;
    let torn = registry.load(&named.version).await.unwrap_err();
    assert!(matches!(torn, RegistryError::Malformed { .. }));
}

async fn every_flipped_byte_of_the_arrays_is_noticed(place: Place) {
    let registry = place.registry();
    let named = published(&registry, "ecommerce", 1).await;
    let arrays_file = format!("versions/{}/arrays.safetensors", named.version);
    let sound = place.read(&arrays_file).await;
    for at in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x10;
        place.write(&arrays_file, bytes).await;
        // A flip in the header's own digest, or in its padding, leaves the arrays as they were.
        if let Ok((_, read)) = registry.load(&named.version).await {
            assert_eq!(read, arrays(1), "byte {at}");
        }
    }
}

async fn an_alias_moves_by_compare_and_set_and_logs_each_move(place: Place) {
    let registry = place.registry();
    let one = published(&registry, "ecommerce", 1).await.version;
    let two = published(&registry, "ecommerce", 2).await.version;
    assert_eq!(registry.alias("ecommerce", "production").await.unwrap(), None);
    let mut watch = registry.watch("ecommerce", "production");
    assert_eq!(watch.poll().await.unwrap(), None);

    let to = AliasTarget::version(&one);
    let first = registry
        .move_alias("ecommerce", "production", &to, 0, &entry("trainer", 5))
        .await
        .unwrap();
    assert_eq!((first.generation, first.version.as_str()), (1, one.as_str()));
    assert_eq!(watch.poll().await.unwrap(), Some(first.clone()));
    assert_eq!(watch.poll().await.unwrap(), None);

    let stale = registry
        .move_alias("ecommerce", "production", &to, 0, &entry("late", 6))
        .await
        .unwrap_err();
    assert_eq!(stale.disposition(), Disposition::Park);
    assert!(matches!(
        stale,
        RegistryError::AliasMoved {
            expected: 0,
            found: 1,
            ..
        }
    ));

    let mixed = AliasTarget {
        version: two.clone(),
        weights: BTreeMap::from([(one.clone(), 0.9), (two.clone(), 0.1)]),
    };
    let second = registry
        .move_alias("ecommerce", "production", &mixed, 1, &entry("ada", 7))
        .await
        .unwrap();
    let back = registry
        .move_alias("ecommerce", "production", &to, 2, &entry("ada", 8))
        .await
        .unwrap();
    assert_eq!(second.weights, mixed.weights);
    assert_eq!(
        registry.alias("ecommerce", "production").await.unwrap(),
        Some(back.clone())
    );
    assert_eq!(
        watch.poll().await.unwrap(),
        Some(back.clone()),
        "the newest of two moves"
    );
    assert_eq!(registry.aliases("ecommerce").await.unwrap(), vec![back]);

    let log = registry.promotions("ecommerce").await.unwrap();
    let told: Vec<_> = log
        .iter()
        .map(|p| (p.who.as_str(), p.at.0, p.from.as_deref(), p.to.as_str()))
        .collect();
    let (one, two) = (one.as_str(), two.as_str());
    assert_eq!(
        told,
        [
            ("trainer", 5, None, one),
            ("ada", 7, Some(one), two),
            ("ada", 8, Some(two), one)
        ]
    );
}

async fn of_racing_movers_each_generation_has_one_winner(place: Place) {
    let registry = place.registry();
    let version = published(&registry, "ecommerce", 1).await.version;
    for generation in 0..20u64 {
        let movers: Vec<_> = (0..8)
            .map(|mover| {
                let registry = place.registry();
                let to = AliasTarget::version(&version);
                tokio::spawn(async move {
                    let who = format!("mover-{mover}");
                    registry
                        .move_alias("ecommerce", "production", &to, generation, &entry(&who, 1))
                        .await
                })
            })
            .collect();
        let mut won = 0;
        for mover in movers {
            match mover.await.unwrap() {
                Ok(alias) => {
                    assert_eq!(alias.generation, generation + 1);
                    won += 1;
                }
                Err(RegistryError::AliasMoved { expected, found, .. }) => {
                    assert_eq!((expected, found), (generation, generation + 1));
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(won, 1, "generation {generation}");
    }
    assert_eq!(registry.promotions("ecommerce").await.unwrap().len(), 20);
}

async fn a_mover_killed_between_move_and_hint_has_moved(place: Place) {
    let registry = place.registry();
    let one = published(&registry, "ecommerce", 1).await.version;
    let two = published(&registry, "ecommerce", 2).await.version;
    let hint = "aliases/ecommerce/production.json";
    let to = AliasTarget::version(&one);
    registry
        .move_alias("ecommerce", "production", &to, 0, &entry("a", 1))
        .await
        .unwrap();
    let old_hint = place.read(hint).await;
    let to = AliasTarget::version(&two);
    registry
        .move_alias("ecommerce", "production", &to, 1, &entry("a", 2))
        .await
        .unwrap();
    // Killed before the hint, killed while writing it, or the hint is lost or lies: the generations decide.
    for hint_body in [
        Some(old_hint.as_slice()),
        Some(b"{"),
        Some(b"{\"generation\": 9}"),
        None,
    ] {
        match hint_body {
            Some(body) => place.write(hint, body).await,
            None => place.remove(hint).await,
        }
        let alias = registry.alias("ecommerce", "production").await.unwrap().unwrap();
        assert_eq!((alias.generation, &alias.version), (2, &two));
    }
}

async fn an_alias_never_points_at_what_cannot_be_served(place: Place) {
    let registry = place.registry();
    let mut assumed = manifest("ecommerce", 3, 1);
    assumed.what.assumed = true;
    let assumed = Manifest::name(assumed.what, assumed.provenance, &arrays(3));
    registry.publish(&assumed, &arrays(3)).await.unwrap();
    let other = published(&registry, "hillstrom", 1).await.version;
    let half = AliasTarget {
        version: other.clone(),
        weights: BTreeMap::from([(other.clone(), 0.5)]),
    };
    let log = entry("a", 1);

    let try_move = async |problem: &str, to: &AliasTarget| {
        registry
            .move_alias(problem, "production", to, 0, &log)
            .await
            .unwrap_err()
    };
    let error = try_move("ecommerce", &AliasTarget::version(&assumed.version)).await;
    assert!(matches!(error, RegistryError::Assumed { .. }));
    let error = try_move("ecommerce", &AliasTarget::version(&other)).await;
    assert!(matches!(error, RegistryError::OtherProblem { .. }));
    let error = try_move("ecommerce", &AliasTarget::version("ecommerce-0123456789ab")).await;
    assert!(matches!(error, RegistryError::UnknownVersion { .. }));
    let error = try_move("hillstrom", &half).await;
    assert!(matches!(error, RegistryError::InvalidWeights { .. }));
    for name in ["", "../x", "a/b", ".hidden", "a b"] {
        let error = try_move(name, &AliasTarget::version(&other)).await;
        assert!(matches!(
            error,
            RegistryError::Object(ObjectError::InvalidName { .. }) | RegistryError::OtherProblem { .. }
        ));
        assert!(matches!(
            registry.alias(name, "production").await,
            Err(RegistryError::Object(ObjectError::InvalidName { .. }))
        ));
        assert!(matches!(
            registry.load(name).await,
            Err(RegistryError::Object(ObjectError::InvalidName { .. }))
        ));
    }
}

async fn problems_keep_every_text_and_know_the_latest(place: Place) {
    let registry = place.registry();
    assert_eq!(registry.get_problem("ecommerce", None).await.unwrap(), None);
    let old = registry
        .put_problem("ecommerce", "name: ecommerce\n", Timestamp(1))
        .await
        .unwrap();
    let new = registry
        .put_problem("ecommerce", "name: ecommerce # again\n", Timestamp(2))
        .await
        .unwrap();
    assert_eq!(
        registry
            .get_problem("ecommerce", None)
            .await
            .unwrap()
            .unwrap()
            .digest,
        new
    );
    let first = registry
        .get_problem("ecommerce", Some(&old))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(first.yaml, "name: ecommerce\n");
    // The older text put again is the latest again.
    registry
        .put_problem("ecommerce", "name: ecommerce\n", Timestamp(3))
        .await
        .unwrap();
    assert_eq!(
        registry.get_problem("ecommerce", None).await.unwrap().unwrap(),
        first
    );
    assert_eq!(registry.get_problem("ecommerce", Some("00")).await.unwrap(), None);
    assert_eq!(registry.problems().await.unwrap(), ["ecommerce"]);
    let mut digests = vec![first.digest, new];
    digests.sort();
    assert_eq!(registry.problem_versions("ecommerce").await.unwrap(), digests);
    assert!(registry.problem_versions("other").await.unwrap().is_empty());
}

async fn a_changed_problem_text_is_refused(place: Place) {
    let registry = place.registry();
    let digest = registry
        .put_problem("p", "name: p\n", Timestamp(1))
        .await
        .unwrap();
    place
        .write(&format!("problems/p/{digest}.yaml"), "name: q\n")
        .await;
    let error = registry.get_problem("p", None).await.unwrap_err();
    assert!(matches!(error, RegistryError::Corrupt { expected, .. } if expected == digest));
    let error = registry
        .put_problem("p", "name: p\n", Timestamp(2))
        .await
        .unwrap_err();
    assert!(matches!(error, RegistryError::ContentDiffers { .. }));
}

async fn an_answer_that_is_lost_is_read_back(place: Place) {
    let store = FaultyStore::over(place.store.clone());
    let registry = Registry::over(store.clone(), place.prefix.clone());
    store.lose.store(2, Ordering::SeqCst);
    let one = published(&registry, "ecommerce", 1).await.version;
    let two = published(&registry, "ecommerce", 2).await.version;
    assert_eq!(store.lose.load(Ordering::SeqCst), 0);

    // The move happened and its answer is lost: it is ours, no conflict.
    store.lose.store(1, Ordering::SeqCst);
    let to = AliasTarget::version(&one);
    let moved = registry
        .move_alias("ecommerce", "production", &to, 0, &entry("a", 1))
        .await
        .unwrap();
    assert_eq!(moved.generation, 1);

    // Of two movers that both hear nothing, one has moved and the other one is told so.
    store.lose.store(4, Ordering::SeqCst);
    let (to_one, to_two) = (AliasTarget::version(&one), AliasTarget::version(&two));
    let (ada, bob) = (entry("ada", 2), entry("bob", 2));
    let (first, second) = tokio::join!(
        registry.move_alias("ecommerce", "production", &to_one, 1, &ada),
        registry.move_alias("ecommerce", "production", &to_two, 1, &bob),
    );
    let (won, lost) = match (&first, &second) {
        (Ok(won), Err(lost)) | (Err(lost), Ok(won)) => (won, lost),
        other => panic!("{other:?}"),
    };
    assert!(
        matches!(lost, RegistryError::AliasMoved { found: 2, .. }),
        "{lost}"
    );
    store.lose.store(0, Ordering::SeqCst);
    let stands = registry.alias("ecommerce", "production").await.unwrap();
    assert_eq!(stands.as_ref(), Some(won));
    assert_eq!(registry.promotions("ecommerce").await.unwrap().len(), 2);

    store.lose.store(2, Ordering::SeqCst);
    let digest = registry
        .put_problem("p", "name: p\n", Timestamp(1))
        .await
        .unwrap();
    let latest = registry.get_problem("p", None).await.unwrap().unwrap();
    assert_eq!(latest.digest, digest);
}

on_both!(
    an_artifact_loads_bit_for_bit_and_is_written_once,
    other_content_under_a_version_is_an_error_whoever_wrote_it,
    a_publisher_killed_before_the_manifest_has_published_nothing,
    what_would_not_read_back_is_not_published,
    a_corrupt_artifact_is_refused_by_file_and_digests,
    every_flipped_byte_of_the_arrays_is_noticed,
    an_alias_moves_by_compare_and_set_and_logs_each_move,
    of_racing_movers_each_generation_has_one_winner,
    a_mover_killed_between_move_and_hint_has_moved,
    an_alias_never_points_at_what_cannot_be_served,
    problems_keep_every_text_and_know_the_latest,
    a_changed_problem_text_is_refused,
    an_answer_that_is_lost_is_read_back,
);
