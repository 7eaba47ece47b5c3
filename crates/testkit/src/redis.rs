//! A Redis server of the test's own: on a free port, with its data in a private folder.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process::Process;
use crate::wait::wait_for;
use crate::{ports, program};

/// How long a server may take to answer its first ping; it takes milliseconds on an idle machine.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// Free ports that are tried, for another process may be given one of them first.
const PORTS_TRIED: usize = 3;

/// What a killed server has after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// What was last saved by [`Redis::save`]: a killed server comes back without the writes since then.
    Snapshots,
    /// Every acknowledged write.
    Everything,
}

/// A running Redis; it ends when dropped.
#[derive(Debug)]
pub struct Redis {
    folder: PathBuf,
    keeping: Keeping,
    address: SocketAddr,
    process: Process,
}

impl Redis {
    /// Starts a server that keeps snapshots only, with its data and its log in `folder`.
    ///
    /// # Errors
    /// A machine without `redis-server`, or a server that does not come up.
    pub async fn start(folder: &Path) -> anyhow::Result<Redis> {
        Redis::start_with(folder, Keeping::Snapshots).await
    }

    /// Starts a server with its data and its log in `folder`.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_with(folder: &Path, keeping: Keeping) -> anyhow::Result<Redis> {
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        let mut tried = 1;
        loop {
            let address = ports::free()?;
            match launch(folder, keeping, address).await {
                Ok(process) => {
                    return Ok(Redis {
                        folder: folder.to_path_buf(),
                        keeping,
                        address,
                        process,
                    });
                }
                Err(error) if tried == PORTS_TRIED => return Err(error),
                Err(_) => tried += 1,
            }
        }
    }

    /// Where it listens; the same after a restart.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `redis://address`.
    pub fn url(&self) -> String {
        url(self.address)
    }

    /// The server's process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Writes a snapshot of everything, to which a restart goes back where only snapshots are kept.
    ///
    /// # Errors
    /// A server that does not answer or cannot write.
    pub async fn save(&self) -> anyhow::Result<()> {
        say(self.address, "SAVE", "+OK").await.context("save a snapshot")
    }

    /// Kills the server (SIGKILL).
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn kill_9(&mut self) -> anyhow::Result<ExitStatus> {
        self.process.kill_9()
    }

    /// Pauses the server until [`resume`](Self::resume): connections stay open and nothing is answered.
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Lets a paused server go on.
    pub fn resume(&self) {
        self.process.resume();
    }

    /// Kills the server if it still runs and starts it on the same port with what it kept.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.kill_9()?;
        self.process = launch(&self.folder, self.keeping, self.address).await?;
        Ok(())
    }

    /// Kills the server if it still runs and starts it on the same port without any data.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn restart_empty(&mut self) -> anyhow::Result<()> {
        self.kill_9()?;
        for data in ["dump.rdb", "appendonlydir"] {
            let path = self.folder.join(data);
            let removed = match path.is_dir() {
                true => fs::remove_dir_all(&path),
                false if path.exists() => fs::remove_file(&path),
                false => Ok(()),
            };
            removed.with_context(|| format!("remove {}", path.display()))?;
        }
        self.process = launch(&self.folder, self.keeping, self.address).await?;
        Ok(())
    }
}

/// The URL of a Redis at `address`, or behind a proxy there.
pub fn url(address: SocketAddr) -> String {
    format!("redis://{address}")
}

async fn launch(folder: &Path, keeping: Keeping, address: SocketAddr) -> anyhow::Result<Process> {
    let mut command = Command::new(program::find(
        "redis-server",
        &[],
        "apt-get install redis-server",
    )?);
    let port = address.port().to_string();
    let append = match keeping {
        Keeping::Snapshots => "no",
        Keeping::Everything => "yes",
    };
    command
        .args(["--port", &port, "--bind", "127.0.0.1", "--save", ""])
        .args([
            "--appendonly",
            append,
            "--maxmemory-policy",
            "noeviction",
            "--dir",
        ])
        .arg(folder);
    let mut process = Process::start("redis", command, &folder.join("redis.log"))?;
    let answered = wait_for("redis to answer", START_PATIENCE, || {
        let ended = process.check();
        async move {
            ended?;
            // Refused, or still reading its data.
            Ok(say(address, "PING", "+PONG").await.ok())
        }
    });
    answered.await?;
    // Another server may have the port and answer in its place.
    process.check()?;
    Ok(process)
}

/// Sends one command without arguments and expects `answer`.
async fn say(address: SocketAddr, command: &str, answer: &str) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address).await.context("connect to redis")?;
    stream.write_all(format!("{command}\r\n").as_bytes()).await?;
    let mut reply = Vec::new();
    while !reply.ends_with(b"\r\n") {
        let byte = stream.read_u8().await.context("redis closed the connection")?;
        reply.push(byte);
    }
    let reply = String::from_utf8_lossy(&reply);
    anyhow::ensure!(
        reply.trim_end() == answer,
        "redis answered {command} with {reply}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn set(redis: &Redis, key: &str) {
        say(redis.address(), &format!("SET {key} 1"), "+OK")
            .await
            .unwrap();
    }

    async fn holds(redis: &Redis, key: &str) -> bool {
        say(redis.address(), &format!("EXISTS {key}"), ":1").await.is_ok()
    }

    #[tokio::test]
    async fn a_killed_server_comes_back_with_what_it_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut redis = Redis::start(folder.path()).await.unwrap();
        let address = redis.address();
        set(&redis, "early").await;
        redis.save().await.unwrap();
        set(&redis, "late").await;
        redis.restart().await.unwrap();
        assert_eq!(redis.address(), address);
        assert!(holds(&redis, "early").await);
        assert!(
            !holds(&redis, "late").await,
            "the suffix after the snapshot is lost"
        );
        redis.restart_empty().await.unwrap();
        assert!(!holds(&redis, "early").await);
    }

    #[tokio::test]
    async fn with_its_log_of_writes_it_keeps_everything() {
        let folder = tempfile::tempdir().unwrap();
        let mut redis = Redis::start_with(folder.path(), Keeping::Everything)
            .await
            .unwrap();
        set(&redis, "late").await;
        redis.restart().await.unwrap();
        assert!(holds(&redis, "late").await);
        redis.restart_empty().await.unwrap();
        assert!(!holds(&redis, "late").await);
    }
}
