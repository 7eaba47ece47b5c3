//! Clients that nobody here wrote take part in a fleet: confluent-kafka, psql, boto3, Polars, deltalake, curl, Prometheus.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use ceteris_backends::{kafka, storage};
use ceteris_chassis::config::Settings;
use ceteris_contract::time::Timestamp;
use ceteris_contract::topics::USER_EVENTS;
use ceteris_house::fleet::DEFAULTS;
use ceteris_lake::Lake;
use ceteris_stream::{EventLog, NewRecord};
use ceteris_synth::ecommerce::{World, WorldConfig, user_id};
use ceteris_testkit::fleet::{Fleet, Service};
use ceteris_testkit::process::Process;
use ceteris_testkit::python::{self, Python};
use ceteris_testkit::servers::{DATABASE, Environment, Servers};
use ceteris_testkit::wait::wait_for;
use ceteris_testkit::{http, ports, program};
use serde_json::{Value, json};

use crate::support::fleet::good;
use crate::support::{self, run};

const USERS: u32 = 1_000;
const SEED: u64 = 3;
/// A checkpoint is written every 100 commits.
const COMMITS: usize = 105;
const PATIENCE: Duration = Duration::from_secs(60);

async fn fleet(folder: &Path) -> anyhow::Result<Fleet> {
    let servers = Servers::start(&folder.join("servers")).await?;
    // Many small commits, for a checkpoint.
    let settings = [("CETERIS__INGEST__COMMIT_INTERVAL", "10ms")];
    support::fleet::start(servers, folder, SEED, &settings).await
}

struct Strangers {
    python: Python,
    environment: Environment,
}

impl Strangers {
    async fn new(fleet: &Fleet) -> anyhow::Result<Strangers> {
        let made = tokio::task::spawn_blocking(|| Python::environment("strangers", python::STRANGERS));
        Ok(Strangers {
            python: made.await??,
            environment: fleet.environment().clone(),
        })
    }

    /// Runs one of the scripts beside this file.
    fn run(&self, script: &str, arguments: &[&str]) -> Value {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/it/strangers")
            .join(script);
        let mut python = Command::new(self.python.interpreter());
        let output = run(python.arg(path).args(arguments).envs(&self.environment));
        serde_json::from_str(&good(output)).expect("JSON")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_nobody_here_wrote_take_part() {
    let _alone = support::alone();
    let folder = tempfile::tempdir().unwrap();
    let fleet = fleet(folder.path()).await.unwrap();
    let strangers = Strangers::new(&fleet).await.unwrap();
    let (users, seed) = (USERS.to_string(), SEED.to_string());
    let words = [
        "--format", "json", "demo", "--fleet", "--once", "--users", &users, "--seed", &seed,
    ];
    let report: Value = serde_json::from_str(&support::fleet::ceteris(&words, fleet.environment())).unwrap();
    let answered = report["decisions"]["answered"].as_u64().unwrap();

    let decided = strangers.run("kafka_reads.py", &[&answered.to_string()]);
    assert_eq!(
        decided["misplaced"], 0,
        "each record carries its decision's id and its user's key"
    );
    for header in ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time"] {
        assert!(
            decided["headers"].as_array().unwrap().contains(&json!(header)),
            "{decided}"
        );
    }
    psql_reads_the_decisions(&fleet, &decided["ids"]).await;
    boto3_lists_the_registry(&strangers, &report);
    lake_is_read_before_and_after_its_upkeep(&fleet, &strangers, &report)
        .await
        .unwrap();
    curl_decides(&fleet);
    prometheus_scrapes_every_service(&fleet, folder.path())
        .await
        .unwrap();
}

async fn psql_reads_the_decisions(fleet: &Fleet, ids: &Value) {
    let sql = "select decision_id from causal_decisions order by decision_id";
    let rows = fleet.servers.postgres.psql(DATABASE, sql).await.unwrap();
    let rows: Vec<&str> = rows.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(
        json!(rows),
        *ids,
        "psql and confluent-kafka see the same decisions"
    );
    let sql =
        "select count(*) from causal_decisions where propensity between 0 and 1 and problem = 'ecommerce'";
    let counted = fleet.servers.postgres.psql(DATABASE, sql).await.unwrap();
    assert_eq!(counted.trim(), rows.len().to_string());
}

fn boto3_lists_the_registry(strangers: &Strangers, report: &Value) {
    let version = report["model"]["version"].as_str().unwrap();
    let seen = strangers.run("registry_lists.py", &[version]);
    assert_eq!(seen["manifest"]["digest"], report["model"]["digest"]);
    let keys: Vec<&str> = seen["keys"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    for part in [
        "registry/aliases/",
        "registry/problems/",
        &format!("registry/versions/{version}/"),
    ] {
        assert!(keys.iter().any(|key| key.starts_with(part)), "{part} in {keys:?}");
    }
}

/// Before and after many small commits with a checkpoint, and after a compaction.
async fn lake_is_read_before_and_after_its_upkeep(
    fleet: &Fleet,
    strangers: &Strangers,
    report: &Value,
) -> anyhow::Result<()> {
    let (log, lake) = reach(fleet).await?;
    let events = report["events"].as_u64().context("events")?;
    let before = strangers.run("lake_reads.py", &[]);
    assert_eq!(before["events"]["rows"], events);
    assert_eq!(before["events"]["places"], events, "each record of the log once");
    assert_eq!(
        before["events"]["counted"], events,
        "the log's statistics are true"
    );
    assert_eq!(before["decisions"]["rows"], report["decisions"]["answered"]);

    let world = World::new(WorldConfig {
        seed: SEED + 1,
        users: 200,
        days: ceteris_synth::ecommerce::DAYS_DEFAULT,
    })?;
    let more: Vec<_> = world
        .batches(ceteris_contract::duration::Span::days(1))
        .flat_map(|batch| batch.events)
        .collect();
    let mut sent = 0;
    for event in more.iter().take(COMMITS) {
        let record = NewRecord::keyed(format!("another-{}", user_id(event.user)), {
            let mut payload: Value = serde_json::from_slice(event.payload().as_ref())?;
            payload["user_id"] = json!(format!("another-{}", user_id(event.user)));
            payload.to_string()
        });
        log.produce(USER_EVENTS, vec![record.at(event.at.0)]).await?;
        sent += 1;
        let ends: u64 = log.end_offsets(USER_EVENTS).await?.into_iter().sum();
        // One commit an event.
        wait_for("the lake to hold the event", PATIENCE, || async {
            let offsets = lake.events().offsets().await?;
            let at: u64 = offsets
                .iter()
                .filter(|((topic, _), _)| topic == USER_EVENTS)
                .map(|(_, next)| *next)
                .sum();
            Ok((at >= ends).then_some(()))
        })
        .await?;
    }
    let later = strangers.run("lake_reads.py", &[]);
    assert!(
        later["events"]["version"].as_u64() > Some(100),
        "behind a checkpoint: {later}"
    );
    assert_eq!(later["events"]["rows"], events + sent);
    assert_eq!(later["events"]["places"], events + sent);

    lake.events().compact(Timestamp(0)).await?;
    let compacted = strangers.run("lake_reads.py", &[]);
    assert!(
        compacted["events"]["files"].as_u64() < later["events"]["files"].as_u64(),
        "{compacted}"
    );
    assert_eq!(compacted["events"]["rows"], events + sent);
    assert_eq!(compacted["events"]["places"], events + sent);
    Ok(())
}

async fn reach(fleet: &Fleet) -> anyhow::Result<(std::sync::Arc<dyn EventLog>, Lake)> {
    let mut settings = Settings::gather(DEFAULTS, None, fleet.environment().clone());
    let kafka = kafka::read(&mut settings).context("kafka")?;
    let storage = storage::read(&mut settings).context("storage")?;
    let buckets = storage::read_buckets(&mut settings).context("lake")?;
    Ok((kafka.open()?, storage.lake(buckets, Timestamp(0)).await?))
}

fn curl_decides(fleet: &Fleet) {
    let request = json!({
        "user_id": "somebody",
        "context": {"price_sensitivity": 0.7},
        "available_treatments": [{"treatment_id": "coupon_10pct", "type": "coupon", "discount_percent": 10}],
    });
    let output = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--fail",
            "--header",
            "content-type: application/json",
            "--data",
        ])
        .arg(request.to_string())
        .arg(format!("http://{}/v1/decide", fleet.api()))
        .output()
        .expect("curl is installed");
    let reply: Value = serde_json::from_str(&good(output)).expect("JSON");
    assert_eq!(reply["user_id"], "somebody");
    assert!(
        reply["propensity"].as_f64().is_some_and(|p| p > 0.0 && p <= 1.0),
        "{reply}"
    );
}

async fn prometheus_scrapes_every_service(fleet: &Fleet, folder: &Path) -> anyhow::Result<()> {
    let prometheus = program::find("prometheus", &[], "apt-get install prometheus")?;
    let targets: Vec<String> = Service::ALL
        .iter()
        .filter_map(|service| fleet.ops(*service).map(|ops| format!("'{ops}'")))
        .collect();
    assert_eq!(targets.len(), Service::ALL.len());
    let config = folder.join("prometheus.yml");
    let text = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs: [{{job_name: ceteris, static_configs: [{{targets: [{}]}}]}}]\n",
        targets.join(", ")
    );
    std::fs::write(&config, text)?;
    let address = ports::free()?;
    let mut command = Command::new(prometheus);
    command
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", folder.join("tsdb").display()))
        .arg(format!("--web.listen-address={address}"));
    let mut process = Process::start("prometheus", command, &folder.join("prometheus.log"))?;
    wait_for("prometheus to have scraped every service", PATIENCE, || {
        let ended = process.check();
        async move {
            ended?;
            let (_, body) = http::get(address, "/api/v1/query?query=up%7Bjob%3D%22ceteris%22%7D").await?;
            let found = body.find('{').map(|at| &body[at..]).unwrap_or_default();
            let reply: Value = serde_json::Deserializer::from_str(found)
                .into_iter()
                .next()
                .context("JSON")??;
            let up = reply["data"]["result"].as_array().map_or(0, |found| {
                found.iter().filter(|one| one["value"][1] == "1").count()
            });
            anyhow::ensure!(up == Service::ALL.len(), "{up} of {} are up", Service::ALL.len());
            Ok(Some(()))
        }
    })
    .await?;
    let decisions = http::get(
        address,
        "/api/v1/query?query=sum(ceteris_tracker_decisions_total)",
    )
    .await?;
    assert!(decisions.1.contains("\"value\""), "{decisions:?}");
    Ok(())
}
