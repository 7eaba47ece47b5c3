//! An S3 server: moto's, from PyPI, started by a script that makes its conditional puts atomic. It needs nothing but Python.
//! It keeps everything in memory, so that a kill loses it: tests with it cover an S3 that is away, slow or silent, not one
//! that loses data.

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

/// Starts moto with puts in turn.
const PROGRAM: &str = include_str!("../python/s3.py");
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
    let mut command = Command::new(python.program("python"));
    command
        .args(["-c", PROGRAM])
        .args(["-H", &address.ip().to_string(), "-p", &address.port().to_string()])
        .current_dir(folder)
        .env("TMPDIR", folder)
        .env("PYTHONUNBUFFERED", "1");
    Process::start("the S3 server", command, &folder.join("s3.log"))
}

/// Asks without a body and gives the status of the answer. This server takes unsigned requests for requests to S3.
async fn request(address: SocketAddr, method: &str, path: &str) -> anyhow::Result<u16> {
    send(address, &format!("{method} {path}"), "", &[]).await
}

/// `headers` are whole lines.
async fn send(address: SocketAddr, what: &str, headers: &str, body: &[u8]) -> anyhow::Result<u16> {
    let mut stream = TcpStream::connect(address)
        .await
        .context("connect to the S3 server")?;
    let length = body.len();
    let head = format!(
        "{what} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
    );
    stream
        .write_all(&[head.as_bytes(), body].concat())
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

    #[tokio::test(flavor = "multi_thread")]
    async fn one_of_many_writers_of_a_name_puts_it() {
        // An object that is there is put again by a known user alone; the signature is not looked at.
        const HEADERS: &str = "authorization: AWS4-HMAC-SHA256 Credential=testkit/20260101/us-east-1/s3/aws4_request, \
                               SignedHeaders=host, Signature=0\r\nif-none-match: *\r\n";
        // Python lets another thread run while it hashes this much.
        static BODY: [u8; 100_000] = [7; 100_000];
        let folder = tempfile::tempdir().unwrap();
        let server = S3::start(folder.path()).await.unwrap();
        server.create_bucket("one").await.unwrap();
        let address = server.address();
        for name in 0..40 {
            let puts = (0..8).map(|_| {
                tokio::spawn(async move { send(address, &format!("PUT /one/{name}"), HEADERS, &BODY).await })
            });
            let puts: Vec<_> = puts.collect();
            let mut statuses = Vec::new();
            for put in puts {
                statuses.push(put.await.unwrap().unwrap());
            }
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412], "{name}");
        }
    }
}
