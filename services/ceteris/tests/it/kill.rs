//! Kill -9 under load: every decision that was answered is in the store exactly once, and the model is the same.
//! `CETERIS_KILLS` sets how many kills (4 by default, `just kills` makes it 20).
#![allow(clippy::print_stdout, reason = "a test prints what it saw")]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::{self, Up};
use reqwest::Client;
use serde_json::{Value, json};

/// Requests in flight at once.
const IN_FLIGHT: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn every_answered_decision_is_stored_once_after_kills() {
    let _alone = support::alone();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    let demo = support::json(&[
        "demo",
        "--once",
        "--format",
        "json",
        "--users",
        "500",
        "--data-dir",
        place,
    ]);
    let version = demo["model"]["version"].as_str().unwrap().to_owned();
    let already = demo["decisions"]["stored"].as_u64().unwrap();
    let kills: u64 = std::env::var("CETERIS_KILLS").map_or(4, |text| text.parse().unwrap());
    let mut answered = BTreeSet::new();
    let mut first = None;
    for round in 0..kills {
        let up = Up::start(folder.path());
        let client = Client::new();
        let effects = steady(&client, &up.api, &version).await;
        assert_eq!(
            *first.get_or_insert_with(|| effects.clone()),
            effects,
            "another answer after a restart"
        );
        // From 50 to 450 ms of load, so that kills fall on different moments of every writer.
        let until = Instant::now() + Duration::from_millis(50 + (round * 137) % 400);
        let load: Vec<_> = (0..IN_FLIGHT)
            .map(|lane| tokio::spawn(hammer(up.api.clone(), lane, round)))
            .collect();
        tokio::time::sleep_until(until.into()).await;
        up.kill();
        let before = answered.len();
        for lane in load {
            answered.extend(lane.await.unwrap());
        }
        println!(
            "kill {}: {} decisions answered before it",
            round + 1,
            answered.len() - before
        );
    }
    assert!(
        answered.len() as u64 > 20 * kills,
        "{} decisions are no load",
        answered.len()
    );
    // Nothing runs: what is not in the store yet lies in the log or the spool, and an export has it all.
    let dead: BTreeSet<String> = exported(folder.path()).into_iter().collect();
    assert!(
        answered.is_subset(&dead),
        "{} decisions are not exported",
        answered.difference(&dead).count()
    );
    let up = Up::start(folder.path());
    wait_until_stored(folder.path(), &answered).await;
    let took = up.terminate();
    assert!(took < Duration::from_secs(30), "the drain took {took:?}");

    let stored = exported(folder.path());
    let once: BTreeSet<String> = stored.iter().cloned().collect();
    assert_eq!(once.len(), stored.len(), "a decision is stored twice");
    assert!(
        answered.is_subset(&once),
        "{} answered decisions are lost",
        answered.difference(&once).count()
    );
    assert!(once.len() as u64 >= already, "decisions of the demo are lost");
}

/// The effects that one fixed request is answered with, once the model is served.
async fn steady(client: &Client, api: &str, version: &str) -> Value {
    let started = Instant::now();
    loop {
        let reply = ask(client, api, "user-000007").await;
        if let Some(reply) = &reply
            && reply["model_version"] == version
            && reply["degraded"] == false
        {
            return reply["effects"].clone();
        }
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "the model is not served: {reply:?}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn ask(client: &Client, api: &str, user: &str) -> Option<Value> {
    let body = json!({
        "user_id": user,
        "available_treatments": [
            {"treatment_id": "coupon_10pct", "type": "coupon", "discount_percent": 10},
            {"treatment_id": "free_shipping", "type": "free_shipping"},
        ],
    });
    let response = client
        .post(format!("{api}/v1/decide"))
        .json(&body)
        .send()
        .await
        .ok()?;
    if !response.status().is_success() {
        return None;
    }
    response.json().await.ok()
}

/// Asks until the service is gone; the ids of decisions whose answer arrived whole.
async fn hammer(api: String, lane: usize, round: u64) -> Vec<String> {
    let client = Client::new();
    let mut ids = Vec::new();
    for n in 0.. {
        match ask(
            &client,
            &api,
            &format!("user-{:06}", (lane * 61 + n * 7 + round as usize) % 500),
        )
        .await
        {
            Some(reply) => ids.push(reply["decision_id"].as_str().unwrap().to_owned()),
            None => break,
        }
    }
    ids
}

fn exported(folder: &Path) -> Vec<String> {
    let out = folder.join("decisions.jsonl");
    support::json(&[
        "decisions",
        "--format",
        "json",
        "--data-dir",
        folder.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ]);
    let text = std::fs::read_to_string(out).unwrap();
    let id = |line: &str| {
        serde_json::from_str::<Value>(line).unwrap()["decision_id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    text.lines().map(id).collect()
}

async fn wait_until_stored(folder: &Path, answered: &BTreeSet<String>) {
    let started = Instant::now();
    loop {
        let stored: BTreeSet<String> = exported(folder).into_iter().collect();
        if answered.is_subset(&stored) {
            return;
        }
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "answered decisions never reached the store"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
