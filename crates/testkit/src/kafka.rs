//! Apache Kafka itself: one KRaft broker and controller in one process.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use sha2::{Digest, Sha256};

use crate::cache::made_once;
use crate::process::Process;
use crate::wait::wait_for;
use crate::{ports, program};

/// The broker and its dependencies, pinned.
const POM: &str = include_str!("../kafka.pom.xml");
/// The jars that the pom leads to, each with its SHA-256.
const LOCK: &str = include_str!("../kafka.lock");
/// The cluster id of every test broker; brokers of different tests never talk to each other.
const CLUSTER_ID: &str = "Y2V0ZXJpcy10ZXN0a2l0MA";
/// How long a broker may take to answer on a busy machine; after kill -9 it first checks its segments.
const START_PATIENCE: Duration = Duration::from_secs(180);
/// Starts on other ports before giving up: a port that was free may be taken by the time the broker binds it.
const STARTS_MAX: u32 = 3;

/// A running broker. Dropping it ends it.
#[derive(Debug)]
pub struct Kafka {
    java: PathBuf,
    made: PathBuf,
    folder: PathBuf,
    broker: SocketAddr,
    controller: SocketAddr,
    process: Process,
}

impl Kafka {
    /// Starts a broker that keeps its data in `folder`, and returns when it answers.
    ///
    /// # Errors
    /// Where Java or Maven is missing, where what was downloaded is not what the lock says, and where the broker ends.
    pub async fn start(folder: &Path) -> anyhow::Result<Kafka> {
        let java = program::find("java", &[], "apt-get install default-jre-headless")?;
        let made = made(&java)?;
        let data = folder.join("data");
        fs::create_dir_all(&data).with_context(|| format!("create {}", data.display()))?;
        for file in ["meta.properties", "bootstrap.checkpoint"] {
            let from = made.join("formatted").join(file);
            fs::copy(&from, data.join(file)).with_context(|| format!("copy {}", from.display()))?;
        }
        let mut attempt = 1;
        loop {
            let (broker, controller) = (ports::free()?, ports::free()?);
            fs::write(
                folder.join("server.properties"),
                properties(&data, broker, controller),
            )
            .context("write server.properties")?;
            let mut kafka = Kafka {
                process: launch(&java, &made, folder)?,
                java: java.clone(),
                made: made.clone(),
                folder: folder.to_path_buf(),
                broker,
                controller,
            };
            match kafka.ready().await {
                Ok(()) => return Ok(kafka),
                Err(error) if attempt == STARTS_MAX || !error.to_string().contains("BindException") => {
                    return Err(error);
                }
                Err(_) => attempt += 1,
            }
        }
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.broker
    }

    /// The same as `bootstrap.servers` wants it.
    pub fn bootstrap(&self) -> String {
        self.broker.to_string()
    }

    /// The process id of the broker.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Kills the broker (SIGKILL); its data stay.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn kill_9(&mut self) -> anyhow::Result<()> {
        self.process.kill_9().map(drop)
    }

    /// Ends the broker where it runs, and starts it on the same data and ports.
    ///
    /// # Errors
    /// As [`Kafka::start`].
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        if self.process.ended()?.is_none() {
            self.process.stop()?;
        }
        self.process = launch(&self.java, &self.made, &self.folder)?;
        self.ready().await
    }

    /// Pauses the broker (SIGSTOP).
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Lets a paused broker go on.
    pub fn resume(&self) {
        self.process.resume();
    }

    async fn ready(&mut self) -> anyhow::Result<()> {
        let (broker, process) = (self.broker, &mut self.process);
        let mut ended = None;
        let answered = wait_for("Kafka to answer", START_PATIENCE, || {
            ended = process.check().err();
            let answers = ended.is_some() || answers(broker).is_ok();
            async move { Ok(answers.then_some(())) }
        })
        .await;
        let port = self.controller.port();
        match ended {
            Some(error) => Err(error),
            None => answered.with_context(|| format!("the controller's port is {port}")),
        }
    }
}

/// The folder of the cache with the jars (`libs`) and a formatted data folder (`formatted`).
fn made(java: &Path) -> anyhow::Result<PathBuf> {
    made_once("kafka", &format!("{POM}{LOCK}"), |place| {
        let maven = program::find("mvn", &[], "apt-get install maven")?;
        let (pom, m2, libs) = (place.join("pom.xml"), place.join("m2"), place.join("libs"));
        fs::write(&pom, POM).context("write pom.xml")?;
        let mut copy = Command::new(maven);
        copy.args(["-q", "-B", "-f"]).arg(&pom);
        copy.arg(format!("-Dmaven.repo.local={}", m2.display()));
        copy.args(["dependency:copy-dependencies", "-DincludeScope=runtime"]);
        copy.arg(format!("-DoutputDirectory={}", libs.display()));
        finish(copy, "download Kafka with Maven")?;
        verify(&libs)?;
        fs::remove_dir_all(&m2).context("remove Maven's folder")?;
        format(java, place)
    })
}

/// Compares what was downloaded with the lock: the same files, each with its sum.
fn verify(libs: &Path) -> anyhow::Result<()> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(libs).with_context(|| format!("list {}", libs.display()))? {
        let entry = entry.context("list the jars")?;
        let bytes = fs::read(entry.path()).with_context(|| format!("read {}", entry.path().display()))?;
        let sum: String = Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        found.insert(entry.file_name().to_string_lossy().into_owned(), sum);
    }
    let locked = LOCK.lines().filter_map(|line| line.split_once("  "));
    let locked: BTreeMap<String, String> = locked.map(|(sum, name)| (name.into(), sum.into())).collect();
    let names = locked.keys().chain(found.keys());
    let wrong: Vec<&str> = names
        .filter(|name| found.get(*name) != locked.get(*name))
        .map(String::as_str)
        .collect();
    anyhow::ensure!(
        wrong.is_empty(),
        "what Maven downloaded is not what crates/testkit/kafka.lock says: {}",
        wrong.join(", ")
    );
    Ok(())
}

/// Formats a data folder once, for every broker to start from a copy: it holds the ids of cluster and node, no path.
fn format(java: &Path, place: &Path) -> anyhow::Result<()> {
    let data = place.join("formatted");
    let file = place.join("format.properties");
    // These ports only have to differ; each broker gets its own later.
    let [broker, controller] = [1, 2].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    fs::write(&file, properties(&data, broker, controller)).context("write format.properties")?;
    let mut tool = java_command(java, place);
    tool.args(["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c"])
        .arg(&file);
    finish(tool, "format a data folder for Kafka")
}

fn launch(java: &Path, made: &Path, folder: &Path) -> anyhow::Result<Process> {
    let mut command = java_command(java, made);
    command.arg("kafka.Kafka").arg(folder.join("server.properties"));
    Process::start("Kafka", command, &folder.join("kafka.log"))
}

/// A small heap, and the compiler that starts fastest: test brokers live for seconds.
fn java_command(java: &Path, made: &Path) -> Command {
    let mut command = Command::new(java);
    command.args([
        "-Xms128m",
        "-Xmx512m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-Dorg.slf4j.simpleLogger.log.kafka.server=info",
        "-cp",
    ]);
    command.arg(made.join("libs/*"));
    command
}

fn finish(mut command: Command, what: &str) -> anyhow::Result<()> {
    let output = command.output().with_context(|| what.to_owned())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    anyhow::ensure!(
        output.status.success(),
        "cannot {what} ({}):\n{}\n{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    Ok(())
}

fn properties(data: &Path, broker: SocketAddr, controller: SocketAddr) -> String {
    let data = data.display();
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{controller}
listeners=PLAINTEXT://{broker},CONTROLLER://{controller}
advertised.listeners=PLAINTEXT://{broker}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
num.partitions=16
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=2097152
# A killed broker is let in again once its old session is over; the default is twice as long.
broker.session.timeout.ms=4500
broker.heartbeat.interval.ms=500
# Simulated events carry times of long ago, and their times run faster than the clock's.
log.retention.ms=-1
log.roll.ms=9223372036854775807
log.message.timestamp.before.max.ms=9223372036854775807
log.message.timestamp.after.max.ms=9223372036854775807
"
    )
}

/// Asks the broker which requests it knows, the first thing that every client asks.
fn answers(broker: SocketAddr) -> anyhow::Result<()> {
    const PATIENCE: Duration = Duration::from_secs(2);
    // Length, ApiVersions (18) in version 0, correlation id 7, no client id.
    const ASK: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff];
    let mut stream = TcpStream::connect_timeout(&broker, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&ASK)?;
    // Length, correlation id, error code.
    let mut answer = [0; 10];
    stream.read_exact(&mut answer)?;
    anyhow::ensure!(
        answer[4..] == [0, 0, 0, 7, 0, 0],
        "the broker does not answer in Kafka's protocol"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_broker_answers_also_after_a_kill() {
        let folder = tempfile::tempdir().unwrap();
        let mut kafka = Kafka::start(folder.path()).await.unwrap();
        let address = kafka.address();
        answers(address).unwrap();
        kafka.kill_9().unwrap();
        assert!(answers(address).is_err(), "a killed broker answers");
        kafka.restart().await.unwrap();
        answers(address).unwrap();
    }

    #[test]
    fn what_is_not_in_the_lock_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("stranger-1.0.jar"), "x").unwrap();
        let error = verify(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("stranger-1.0.jar") && error.contains("kafka_2.13-3.9.1.jar"),
            "{error}"
        );
    }
}
