//! A data folder that lost or damaged a part: what cannot be made again is asked for, what can be is made again.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::support::{self, Up};
use serde_json::{Value, json};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn up_is_refused(folder: &Path) -> String {
    let listen = [
        "up",
        "--listen",
        "127.0.0.1:0",
        "--metrics-listen",
        "127.0.0.1:0",
        "--data-dir",
    ];
    support::refused(&[&listen[..], &[folder.to_str().unwrap()]].concat())
}

/// The effects one user is answered with, once features and model are there.
async fn effects(up: &Up) -> Value {
    let started = Instant::now();
    let body = json!({
        "user_id": "user-000007",
        "available_treatments": [{"treatment_id": "coupon_10pct", "type": "coupon", "discount_percent": 10}],
    });
    loop {
        let reply = reqwest::Client::new()
            .post(format!("{}/v1/decide", up.api))
            .json(&body)
            .send()
            .await
            .unwrap();
        let reply: Value = reply.json().await.unwrap();
        if reply["degraded"] == false {
            return reply["effects"].clone();
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{reply}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_made_again_is_and_the_rest_is_asked_for() {
    let _alone = support::alone();
    let home = tempfile::tempdir().unwrap();
    let whole = home.path().join("whole");
    support::json(&[
        "demo",
        "--once",
        "--format",
        "json",
        "--users",
        "500",
        "--data-dir",
        whole.to_str().unwrap(),
    ]);
    let variant = |name: &str| -> PathBuf {
        let folder = home.path().join(name);
        copy(&whole, &folder);
        folder
    };

    let keyless = variant("keyless");
    std::fs::remove_dir_all(keyless.join("secrets")).unwrap();
    assert!(up_is_refused(&keyless).contains("secrets/identity"));
    let strange = variant("strange");
    std::fs::write(strange.join("secrets/identity"), [9u8; 32]).unwrap();
    assert!(up_is_refused(&strange).contains("not the key"));
    let nameless = variant("nameless");
    std::fs::remove_file(nameless.join("ceteris.json")).unwrap();
    assert!(up_is_refused(&nameless).contains("ceteris.json is missing"));

    let expected = effects(&Up::start(&whole)).await;
    let damaged = variant("damaged");
    for entry in std::fs::read_dir(damaged.join("features")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        if bytes.len() > 1000 {
            bytes[200..240].fill(0xff);
            std::fs::write(&path, bytes).unwrap();
        }
    }
    assert_eq!(effects(&Up::start(&damaged)).await, expected);
    assert!(damaged.join("features.damaged-0").is_dir());

    // Without its alias the model cannot be found: the rules decide, and the API says so.
    let lost = variant("lost");
    for entry in std::fs::read_dir(lost.join("registry/aliases/ecommerce/production")).unwrap() {
        std::fs::write(entry.unwrap().path(), "{").unwrap();
    }
    std::fs::write(lost.join("registry/aliases/ecommerce/production.json"), "{").unwrap();
    let up = Up::start(&lost);
    let health: Value = reqwest::get(format!("{}/health", up.api))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert!(health["problems"]["ecommerce"]["fault"].is_string(), "{health}");
}
