//! A fleet of separate services under load, while each of its workers is killed, its broker and its servers go away and
//! come back. Afterwards nothing that was promised is missing and nothing is there twice.
//!
//! Without being told it kills each worker 4 times and takes servers away for 10 s; the long form (`just soak`) kills each 20
//! times and takes them away for two minutes: `CETERIS_KILLS=20 CETERIS_OUTAGE_SECONDS=120`.
#![allow(clippy::print_stdout, reason = "a test tells what was unfinished when")]

mod faults;
mod load;
mod reach;
mod verify;

use std::path::Path;
use std::time::Duration;

use ceteris_synth::ecommerce::{World, WorldConfig};
use ceteris_testkit::fleet::Fleet;
use ceteris_testkit::servers::Servers;

use self::faults::Faults;
use self::load::Load;
use self::reach::Reach;
use crate::support;

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

async fn fleet(folder: &Path) -> Fleet {
    let servers = Servers::start_behind_proxies(&folder.join("servers"))
        .await
        .unwrap();
    let settings = [
        ("CETERIS__LOG__FORMAT", "text"),
        // Short cycles, so that kills fall into work of every kind.
        ("CETERIS__INGEST__COMMIT_INTERVAL", "300ms"),
    ];
    support::fleet::start(servers, folder, SEED, &settings)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_killed_or_away_nothing_is_lost_and_nothing_is_there_twice() {
    let _alone = support::alone();
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
