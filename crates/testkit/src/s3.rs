//! An S3 server: moto's, from PyPI. It needs nothing but Python, and its conditional puts are atomic. It keeps everything
//! in memory, so that a kill loses it: tests with it cover an S3 that is away, slow or silent, not one that loses data.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::ports;
use crate::process::Process;
use crate::python::{self, Python};
use crate::wait::wait_for;

/// How long the server may take to answer after its start.
const READY_PATIENCE: Duration = Duration::from_secs(60);
/// Ports tried before giving up: another process may take one between its choice and its use.
const ATTEMPTS_MAX: u32 = 3;

/// A running S3 server. Dropping it ends it.
#[derive(Debug)]
pub struct S3 {
    process: Process,
    address: SocketAddr,
    folder: PathBuf,
}

impl S3 {
    /// The region that requests are signed for.
    pub const REGION: &str = "us-east-1";
    /// An access key; the server takes any.
    pub const ACCESS_KEY_ID: &str = "testkit";
    /// Its secret; the server takes any.
    pub const SECRET_ACCESS_KEY: &str = "testkit-secret";

    /// Starts the server on a free loopback port, with its log and temporary files in `folder`, and waits until it
    /// answers.
    ///
    /// # Errors
    /// One sentence where Python is missing; the end of the server's log where it does not start.
    pub async fn start(folder: &Path) -> anyhow::Result<S3> {
        let python = tokio::task::spawn_blocking(|| Python::environment("s3", python::S3));
        let python = python.await.context("make the S3 server's environment")??;
        std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        let mut attempt = 1;
        loop {
            let address = ports::free()?;
            let mut server = S3 {
                process: launch(&python, address, folder)?,
                address,
                folder: folder.to_path_buf(),
            };
            match server.ready().await {
                Ok(()) => return Ok(server),
                Err(error) if attempt == ATTEMPTS_MAX => return Err(error),
                Err(_) => attempt += 1,
            }
        }
    }

    async fn ready(&mut self) -> anyhow::Result<()> {
        let address = self.address;
        let process = &mut self.process;
        wait_for("the S3 server", READY_PATIENCE, || {
            let alive = process.check();
            async move {
                // It has ended, so waiting is useless.
                if let Err(error) = alive {
                    return Ok(Some(Err(error)));
                }
                let status = request(address, "GET", "/").await;
                Ok(status.is_ok_and(|status| status == 200).then_some(Ok(())))
            }
        })
        .await?
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address as clients take it.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where its log lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes a bucket; one that is there already is fine.
    ///
    /// # Errors
    /// Where the server refuses or does not answer.
    pub async fn create_bucket(&self, name: &str) -> anyhow::Result<()> {
        let status = request(self.address, "PUT", &format!("/{name}")).await?;
        anyhow::ensure!(
            status == 200 || status == 409,
            "create the bucket {name}: status {status}"
        );
        Ok(())
    }

    /// Pauses the server until [`resume`](Self::resume).
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Lets a paused server go on.
    pub fn resume(&self) {
        self.process.resume();
    }

    /// Ends the server, and with it everything it holds.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        self.process.stop().map(|_| ())
    }
}

fn launch(python: &Python, address: SocketAddr, folder: &Path) -> anyhow::Result<Process> {
    let mut command = Command::new(python.program("moto_server"));
    command
        .args(["-H", &address.ip().to_string(), "-p", &address.port().to_string()])
        .current_dir(folder)
        .env("TMPDIR", folder)
        .env("PYTHONUNBUFFERED", "1");
    Process::start("the S3 server", command, &folder.join("s3.log"))
}

/// Asks without a body and gives the status of the answer. This server takes unsigned requests for requests to S3.
async fn request(address: SocketAddr, method: &str, path: &str) -> anyhow::Result<u16> {
    let mut stream = TcpStream::connect(address)
        .await
        .context("connect to the S3 server")?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    );
    stream
        .write_all(head.as_bytes())
        .await
        .context("ask the S3 server")?;
    let mut answer = Vec::new();
    stream
        .read_to_end(&mut answer)
        .await
        .context("read the S3 server's answer")?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.with_context(|| {
        format!(
            "the S3 server answered {:?}",
            answer.lines().next().unwrap_or_default()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_server_answers_and_ends_with_its_handle() {
        let folder = tempfile::tempdir().unwrap();
        let server = S3::start(folder.path()).await.unwrap();
        server.create_bucket("one").await.unwrap();
        server.create_bucket("one").await.unwrap();
        assert_eq!(request(server.address(), "HEAD", "/one").await.unwrap(), 200);
        assert_eq!(request(server.address(), "HEAD", "/two").await.unwrap(), 404);
        let address = server.address();
        drop(server);
        assert!(TcpStream::connect(address).await.is_err());
    }
}
