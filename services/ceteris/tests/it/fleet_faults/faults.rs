//! What is done to the fleet, and how much was unfinished when it was done.

use std::time::Duration;

use anyhow::Context;
use ceteris_contract::duration::Span;
use ceteris_contract::topics::{CAUSAL_DECISIONS, USER_EVENTS};
use ceteris_lake::{Answer, DatasetRequest, Training};
use ceteris_store::DecisionStore;
use ceteris_synth::ecommerce::World;
use ceteris_testkit::fleet::{Fleet, Service};
use ceteris_testkit::proxy::Weather;
use ceteris_testkit::wait::wait_for;

use super::load::Load;
use super::reach::Reach;
use super::{Plan, SEED};

/// Longer than the session timeout of a group's member: it is taken for dead.
const BEYOND_THE_SESSION: Duration = Duration::from_secs(9);
/// How long the fleet may take to be whole again, also on a machine that has other things to do.
const RECOVERY: Duration = Duration::from_secs(300);

pub struct Faults {
    pub fleet: Fleet,
    reach: Reach,
    kills: u32,
    outage: Duration,
    drawn: u64,
}

impl Faults {
    pub fn new(fleet: Fleet, reach: &Reach, plan: &Plan) -> Faults {
        Faults {
            fleet,
            reach: reach.clone(),
            kills: plan.kills,
            outage: plan.outage,
            drawn: SEED,
        }
    }

    /// A seeded draw below `bound`.
    fn draw(&mut self, bound: u64) -> u64 {
        self.drawn = self
            .drawn
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.drawn >> 33) % bound
    }

    /// Kills ingest, tracker and decide, again and again, each at a random moment of a working fleet.
    pub async fn kill_workers_of_the_stream(&mut self, load: &Load) -> anyhow::Result<()> {
        for round in 0..self.kills {
            for service in [Service::Ingest, Service::Tracker, Service::Decide] {
                load.answers(20).await?;
                let moment = Duration::from_millis(self.draw(1_500));
                tokio::time::sleep(moment).await;
                let unfinished = self.something_unfinished(service, load).await?;
                self.fleet.worker(service, 0)?.kill_9()?;
                println!("kill {round} of {service}: {unfinished} unfinished");
                self.fleet.start(service)?;
                self.fleet.ready(service).await?;
            }
        }
        Ok(())
    }

    /// Waits for a moment at which the service has begun something that it has not finished, and tells how much.
    async fn something_unfinished(&self, service: Service, load: &Load) -> anyhow::Result<u64> {
        let what = format!("{service} to have something unfinished");
        wait_for(&what, RECOVERY, || async {
            let unfinished = match service {
                Service::Ingest => self.reach.behind_in_lake(USER_EVENTS).await?,
                Service::Tracker => self.reach.behind_in_store(CAUSAL_DECISIONS).await?,
                _ => load.in_flight(),
            };
            Ok((unfinished > 0).then_some(unfinished))
        })
        .await
    }

    pub async fn restart_the_broker(&mut self, load: &Load) -> anyhow::Result<()> {
        load.answers(20).await?;
        println!(
            "broker killed: {} events not in the lake",
            self.reach.behind_in_lake(USER_EVENTS).await?
        );
        self.fleet.servers.kafka.kill_9()?;
        // Decisions go on meanwhile; they wait in the journal.
        load.answers(50).await?;
        self.fleet.servers.kafka.restart().await?;
        self.caught_up("the broker's restart").await
    }

    /// A second worker of each kind joins, the first one is stopped in its tracks until it is taken for dead, wakes up as
    /// a zombie, and the second one is killed; it is there again for what follows.
    pub async fn rebalance_and_pause_beyond_the_session(&mut self, load: &Load) -> anyhow::Result<()> {
        for service in [Service::Ingest, Service::Tracker] {
            load.answers(20).await?;
            self.fleet.start_worker(service, 1)?;
            self.caught_up("a second worker").await?;
            self.fleet.worker(service, 0)?.pause();
            println!("{service} 0 paused beyond its session");
            tokio::time::sleep(BEYOND_THE_SESSION).await;
            self.caught_up("the worker that is left").await?;
            self.fleet.worker(service, 0)?.resume();
            load.answers(20).await?;
            self.caught_up("the zombie's return").await?;
            self.fleet.worker(service, 1)?.kill_9()?;
            self.caught_up("the first worker alone").await?;
            self.fleet.start_worker(service, 1)?;
        }
        Ok(())
    }

    /// Redis comes back empty; then it comes back as it was a while ago.
    pub async fn lose_redis(&mut self, load: &Load) -> anyhow::Result<()> {
        load.answers(20).await?;
        self.fleet.servers.redis.kill_9()?;
        self.fleet.servers.redis.restart_empty().await?;
        println!("redis restarted empty");
        self.caught_up("an empty Redis").await?;
        self.fleet.servers.redis.save().await?;
        load.answers(100).await?;
        self.fleet.servers.redis.kill_9()?;
        self.fleet.servers.redis.restart().await?;
        println!("redis restarted with a lost suffix");
        self.caught_up("a Redis of a while ago").await
    }

    /// PostgreSQL and S3 go away, one after the other, for as long as the plan says.
    pub async fn take_servers_away(&mut self, load: &Load) -> anyhow::Result<()> {
        for name in ["postgresql", "s3"] {
            load.answers(20).await?;
            let before = load.answered();
            self.set(name, Weather::Down)?;
            tokio::time::sleep(self.outage).await;
            let unfinished = match name {
                "postgresql" => self.reach.behind_in_store(CAUSAL_DECISIONS).await?,
                _ => self.reach.behind_in_lake(USER_EVENTS).await?,
            };
            let answered = load.answered() - before;
            self.set(name, Weather::Fair)?;
            println!("{name} was away: {answered} decisions answered meanwhile, {unfinished} records waited");
            anyhow::ensure!(answered > 0, "decisions go on while {name} is away");
            self.caught_up("the outage").await?;
        }
        Ok(())
    }

    fn set(&self, name: &str, weather: Weather) -> anyhow::Result<()> {
        let proxies = self.fleet.servers.proxies().context("the fleet has proxies")?;
        let proxy = if name == "s3" {
            &proxies.s3
        } else {
            &proxies.postgres
        };
        proxy.set(weather);
        Ok(())
    }

    /// The fleet goes on: what was in the log at this moment reaches lake and store.
    async fn caught_up(&mut self, after: &str) -> anyhow::Result<()> {
        let reach = self.reach.clone();
        let events = reach.log.end_offsets(USER_EVENTS).await?;
        let decisions = reach.log.end_offsets(CAUSAL_DECISIONS).await?;
        let what = format!("the fleet to catch up after {after}");
        wait_for(&what, RECOVERY, || async {
            let in_lake = reach.lake.events().offsets().await?;
            let mut waiting = 0;
            for (partition, end) in events.iter().enumerate() {
                let key = (USER_EVENTS.to_owned(), partition as u32);
                waiting += end.saturating_sub(in_lake.get(&key).copied().unwrap_or(0));
            }
            anyhow::ensure!(waiting == 0, "{waiting} events are not in the lake");
            for (partition, end) in decisions.iter().enumerate() {
                let stored = reach
                    .store
                    .next_offset(CAUSAL_DECISIONS, partition as u32)
                    .await?;
                waiting += end.saturating_sub(stored);
            }
            anyhow::ensure!(waiting == 0, "{waiting} decisions are not in the store");
            Ok(Some(()))
        })
        .await
    }

    /// Kills the ETL and the trainer while they work on datasets that were asked for; each request is answered all the
    /// same, and each dataset trained. The digest of the dataset of the world's end.
    pub async fn kill_workers_of_datasets(&mut self, world: &World) -> anyhow::Result<String> {
        let problem = self.reach.problem.name.clone();
        let mut digest = String::new();
        for round in 0..=self.kills {
            let request = DatasetRequest {
                problem: problem.clone(),
                // The last one is the demo's.
                as_of: world.end().minus(Span::days(i64::from(self.kills - round))),
                seed: SEED,
                reason: "a dataset under faults".to_owned(),
            };
            let datasets = self.reach.datasets.clone();
            let id = datasets.request(&request).await?;
            let moment = Duration::from_millis(200 + self.draw(1_500));
            tokio::time::sleep(moment).await;
            let unanswered = datasets.answered(&problem, &id).await?.is_none();
            self.fleet.worker(Service::Etl, 0)?.kill_9()?;
            println!(
                "kill {round} of {}: request unanswered: {unanswered}",
                Service::Etl
            );
            self.fleet.start(Service::Etl)?;
            let answered = wait_for("the ETL's answer", RECOVERY, || async {
                Ok(datasets.answered(&problem, &id).await?)
            })
            .await?;
            let Answer::Dataset(made) = answered.answer else {
                anyhow::bail!("no dataset: {:?}", answered.answer)
            };
            digest = made;
            let moment = Duration::from_millis(self.draw(300));
            tokio::time::sleep(moment).await;
            let untrained = datasets.training(&problem, &digest).await?.is_none();
            self.fleet.worker(Service::Trainer, 0)?.kill_9()?;
            println!(
                "kill {round} of {}: dataset untrained: {untrained}",
                Service::Trainer
            );
            self.fleet.start(Service::Trainer)?;
            let training = wait_for("the trainer", RECOVERY, || async {
                Ok(datasets.training(&problem, &digest).await?)
            })
            .await?;
            match training {
                Training::Trained { version, .. } => {
                    let aliases = self.reach.registry.alias(&problem, "shadow").await?;
                    let shadow = aliases.map(|alias| alias.version);
                    anyhow::ensure!(shadow == Some(version), "the newest model is the shadow");
                }
                other => anyhow::bail!("no model of {digest}: {other:?}"),
            }
        }
        Ok(digest)
    }
}
