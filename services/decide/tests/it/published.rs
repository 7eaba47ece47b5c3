//! What an earlier program published and logged: its model is served, its decisions replay. `published/README.md` tells
//! how the files were made.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ceteris_contract::record::{DecisionRecord, PointEffect};
use ceteris_decide::decide::decide;
use ceteris_decide::loader::PRODUCTION;
use ceteris_model::served::{Model, Scratch};
use ceteris_registry::Registry;

use crate::support::{World, ecommerce_yaml, now, problem, request};

const VERSION: &str = "ecommerce-079cb215d2b8";

fn published() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/published")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

/// A world whose registry is a copy of the earlier program's.
async fn world() -> World {
    let mut world = World::new().await;
    let folder = world.folder.path().join("published");
    copy(&published().join("registry"), &folder);
    world.registry = Registry::open(folder).unwrap();
    world
}

async fn problem_text(world: &World) -> String {
    world
        .registry
        .get_problem("ecommerce", None)
        .await
        .unwrap()
        .unwrap()
        .yaml
}

fn records() -> Vec<(String, DecisionRecord)> {
    let text = fs::read_to_string(published().join("decisions.jsonl")).unwrap();
    text.lines()
        .map(|line| (line.to_owned(), serde_json::from_str(line).unwrap()))
        .collect()
}

#[tokio::test]
async fn its_model_is_served() {
    let world = world().await;
    let alias = world
        .registry
        .alias("ecommerce", PRODUCTION)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(alias.version, VERSION);
    let (manifest, _) = world.registry.load(VERSION).await.unwrap();
    let digests = problem(&problem_text(&world).await).model_digests();
    assert_eq!(manifest.what.problem_model_digest, digests.one_form);
    assert_eq!(manifest.provenance.operation_digest, None);

    let service = world.start().await;
    assert_eq!(service.get("/health").await.1["status"], "ok");
    let mut body = request("u", 0.25);
    body["context"]["avg_session_duration"] = 300.0.into();
    body["context"]["historical_spend"] = 50.0.into();
    body["context"]["session_frequency"] = 4.0.into();
    let reply = service.decide(&body).await;
    assert_eq!(reply.model_version.as_deref(), Some(VERSION));
    assert!(
        reply
            .effects
            .iter()
            .all(|effect| effect.estimated_effect.is_some())
    );
    // Pinned by name it is the same model.
    body["version"] = VERSION.into();
    let pinned = service.decide(&body).await;
    assert_eq!(pinned.effects, reply.effects);
}

#[tokio::test]
async fn its_decisions_replay_and_its_model_gives_the_effects_they_were_made_with() {
    let world = world().await;
    let (manifest, arrays) = world.registry.load(VERSION).await.unwrap();
    let model = Model::compile(manifest, &arrays, &problem(&problem_text(&world).await)).unwrap();
    let mut scratch = Scratch::default();
    let records = records();
    assert_eq!(records.len(), 10);
    for (line, record) in &records {
        assert_eq!(serde_json::to_string(&decide(&record.inputs)).unwrap(), {
            serde_json::to_string(&record.decision).unwrap()
        });
        assert_eq!(
            serde_json::to_string(record).unwrap(),
            *line,
            "a record is written as it was"
        );
        assert_eq!(record.inputs.model.as_ref().unwrap(), model.served());
        let evaluation = model.evaluate(&record.inputs.features, &mut scratch).unwrap();
        for candidate in &record.inputs.effects {
            let effects: BTreeMap<String, PointEffect> = evaluation
                .effects(&candidate.treatment_id)
                .map(|(outcome, effect)| (outcome.to_owned(), effect))
                .collect();
            assert_eq!(effects, candidate.outcomes, "{}", candidate.treatment_id);
        }
    }
}

/// Each a problem file after one edit of its policy, costs, weights or rules.
fn other_policies(text: &str) -> Vec<String> {
    [
        ("  holdout: 0.05", "  holdout: 0.04\n  require_significance: true"),
        (
            "coupon_10pct: { dose: 10, cost: 10 }",
            "coupon_10pct: { dose: 10, cost: 30 }",
        ),
        ("    weight: 100", "    weight: 90"),
        (
            "  - when: price_sensitivity >= 0.8",
            "  - when: price_sensitivity >= 0.7",
        ),
    ]
    .map(|(from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    })
    .to_vec()
}

#[tokio::test]
async fn its_model_serves_on_under_a_policy_with_other_keys() {
    let world = world().await;
    let mut service = world.start().await;
    let text = problem_text(&world).await;
    let mut digests = vec![problem(&text).policy_digest()];
    for yaml in other_policies(&text) {
        world
            .registry
            .put_problem("ecommerce", &yaml, now())
            .await
            .unwrap();
        service.loader.refresh().await;
        let reply = service.decide(&request("u", 0.25)).await;
        assert_eq!(reply.model_version.as_deref(), Some(VERSION));
        let (_, models) = service.get("/v1/models").await;
        let entry = &models["models"][0];
        assert_eq!(
            (&entry["model"]["version"], &entry["fault"]),
            (&VERSION.into(), &().into())
        );
        let digest = entry["policy_digest"].as_str().unwrap().to_owned();
        assert!(!digests.contains(&digest), "the policy in force is another one");
        digests.push(digest);
    }
}

#[tokio::test]
async fn a_changed_gate_keeps_what_is_published_today_and_refuses_what_pinned_the_gates() {
    let gated = |text: &str| text.replacen("rows_per_arm_min: 10", "rows_per_arm_min: 20", 1);
    let today = World::new().await;
    let version = today.promote(0.0).await;
    let earlier = world().await;
    for (world, version, fits) in [(&today, version.as_str(), true), (&earlier, VERSION, false)] {
        let mut service = world.start().await;
        world
            .registry
            .put_problem("ecommerce", &gated(&ecommerce_yaml()), now())
            .await
            .unwrap();
        service.loader.refresh().await;
        let reply = service.decide(&request("u", 0.25)).await;
        assert_eq!(
            reply.model_version.as_deref(),
            Some(version),
            "the last good pair serves on"
        );
        let (_, health) = service.get("/health").await;
        assert_eq!(
            health["problems"]["ecommerce"]["fault"].is_null(),
            fits,
            "{health}"
        );
        // A start with the changed gates knows no earlier pair.
        drop(service);
        let fresh = world.start().await;
        let reply = fresh.decide(&request("u", 0.25)).await;
        assert_eq!(reply.model_version.as_deref(), fits.then_some(version));
    }
}
