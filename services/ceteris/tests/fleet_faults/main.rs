//! A fleet of separate services under load, while each of its workers is killed, its broker and its servers go away and
//! come back. Afterwards nothing that was promised is missing and nothing is there twice.
//!
//! Without being told it kills each worker 4 times and takes servers away for 10 s; the long form (`just soak`) kills each 20
//! times and takes them away for two minutes: `CETERIS_KILLS=20 CETERIS_OUTAGE_SECONDS=120`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test ends where a promise is broken, and tells what was unfinished when"
)]

mod faults;
mod load;
mod reach;
mod verify;

use std::path::{Path, PathBuf};
use std::time::Duration;

use ceteris_synth::ecommerce::{World, WorldConfig};
use ceteris_testkit::fleet::{Fleet, Service};
use ceteris_testkit::servers::{Environment, Servers};

use crate::faults::Faults;
use crate::load::Load;
use crate::reach::Reach;

const USERS: u32 = 1_000;
const SEED: u64 = 11;

/// What the run is told.
struct Plan {
    kills: u32,
    outage: Duration,
}

impl Plan {
    /// About how long the load is to last, at least.
    fn duration(&self) -> Duration {
        Duration::from_secs(60 + 9 * u64::from(self.kills)) + 2 * (self.outage + Duration::from_secs(20))
    }

    fn from_environment() -> Plan {
        let number = |name: &str, default: u32| {
            std::env::var(name)
                .ok()
                .and_then(|text| text.parse().ok())
                .unwrap_or(default)
        };
        Plan {
            kills: number("CETERIS_KILLS", 4),
            outage: Duration::from_secs(u64::from(number("CETERIS_OUTAGE_SECONDS", 10))),
        }
    }
}

fn ceteris() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_ceteris"))
}

/// Runs `ceteris` to a good end and gives what it printed.
fn run_ceteris(words: &[&str], environment: &Environment) -> String {
    let output = std::process::Command::new(ceteris())
        .args(words)
        .envs(environment)
        .output()
        .expect("ceteris starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ceteris {}: {stderr}", words.join(" "));
    String::from_utf8(output.stdout).expect("text")
}

async fn fleet(folder: &Path) -> Fleet {
    let servers = Servers::start_behind_proxies(&folder.join("servers"))
        .await
        .unwrap();
    let seed = SEED.to_string();
    let world = run_ceteris(
        &["--format", "json", "world", "--seed", &seed],
        &Environment::new(),
    );
    let mut environment: Environment = serde_json::from_str(&world).unwrap();
    environment.insert("CETERIS__LOG__FORMAT".to_owned(), "text".to_owned());
    // Short cycles, so that kills fall into work of every kind.
    environment.insert("CETERIS__INGEST__COMMIT_INTERVAL".to_owned(), "300ms".to_owned());
    let programs = ceteris().parent().unwrap().to_path_buf();
    let mut fleet = Fleet::new(servers, &programs, &folder.join("services"), environment).unwrap();
    run_ceteris(&["migrate"], fleet.environment());
    let problem = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../deploy/problems/ecommerce.yaml"
    );
    run_ceteris(&["provision", "--problem", problem], fleet.environment());
    for service in Service::ALL {
        fleet.start(service).unwrap();
    }
    for service in Service::ALL {
        fleet.ready(service).await.unwrap();
    }
    fleet
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_killed_or_away_nothing_is_lost_and_nothing_is_there_twice() {
    let plan = Plan::from_environment();
    // Kept after a failure: what the services logged is what tells why.
    let mut folder = tempfile::tempdir().unwrap();
    folder.disable_cleanup(true);
    println!("logs are in {}", folder.path().display());
    let fleet = fleet(folder.path()).await;
    let reach = Reach::new(&fleet).await.unwrap();
    let world = World::new(WorldConfig {
        seed: SEED,
        users: USERS,
        days: ceteris_synth::ecommerce::DAYS_DEFAULT,
    })
    .unwrap();

    let load = Load::start(&reach, world.clone(), fleet.api(), plan.duration());
    let mut faults = Faults::new(fleet, &reach, &plan);
    faults.kill_workers_of_the_stream(&load).await.unwrap();
    faults.restart_the_broker(&load).await.unwrap();
    faults
        .rebalance_and_pause_beyond_the_session(&load)
        .await
        .unwrap();
    faults.lose_redis(&load).await.unwrap();
    faults.take_servers_away(&load).await.unwrap();
    let sent = load.finish().await.unwrap();
    verify::every_answer_is_stored_once(&reach, &faults.fleet, &sent)
        .await
        .unwrap();
    verify::every_event_is_in_the_lake_once(&reach, &sent)
        .await
        .unwrap();
    verify::online_features_equal_a_replay(&reach, &world)
        .await
        .unwrap();
    let digest = faults.kill_workers_of_datasets(&world).await.unwrap();
    verify::the_dataset_is_that_of_one_process(&digest);
    faults.fleet.check().unwrap();
    faults.fleet.stop().unwrap();
    folder.disable_cleanup(false);
}
