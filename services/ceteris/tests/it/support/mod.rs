//! Runs the binary as a user does.
#![allow(
    clippy::zombie_processes,
    reason = "a started `ceteris up` is ended when dropped"
)]

#[cfg(feature = "fleet")]
pub mod fleet;

use std::cell::Cell;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Shared by the commands of ordinary tests, held by a scenario that runs alone.
static TURN: RwLock<()> = RwLock::new(());

thread_local! {
    static ALONE: Cell<bool> = const { Cell::new(false) };
}

/// While this lives, no other scenario runs and no other test starts a command.
pub struct Alone(#[expect(dead_code, reason = "it is held, not read")] RwLockWriteGuard<'static, ()>);

/// Waits until nothing else runs. For scenarios that are timed or keep both cores busy; their own commands are run by the
/// thread that called this, which is the test's own.
pub fn alone() -> Alone {
    let turn = TURN.write().unwrap_or_else(PoisonError::into_inner);
    ALONE.set(true);
    Alone(turn)
}

impl Drop for Alone {
    fn drop(&mut self) {
        ALONE.set(false);
    }
}

/// Runs a command to its end, beside those of other tests but not beside a scenario that runs alone.
pub fn run(command: &mut Command) -> Output {
    let _turn = (!ALONE.get()).then(|| TURN.read().unwrap_or_else(PoisonError::into_inner));
    command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// `ceteris` with these words.
pub fn ceteris(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ceteris"));
    command.args(words);
    command
}

/// Runs to the end and answers what was printed.
pub fn output(words: &[&str]) -> Output {
    run(&mut ceteris(words))
}

/// Runs to a good end; stdout must be exactly one JSON document.
pub fn json(words: &[&str]) -> Value {
    let output = output(words);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "ceteris {}: {}\n{stderr}",
        words.join(" "),
        output.status
    );
    serde_json::from_slice(&output.stdout).expect("stdout is one JSON document")
}

/// Runs to exit 2 and answers stderr.
pub fn refused(words: &[&str]) -> String {
    let output = output(words);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        output.status.code(),
        Some(2),
        "ceteris {}: {stderr}",
        words.join(" ")
    );
    stderr
}

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// `ceteris up` on a folder, killed when dropped.
pub struct Up {
    pub child: Child,
    pub api: String,
    _stderr: BufReader<ChildStderr>,
}

impl Up {
    /// Starts on free ports and waits until it says where it serves.
    pub fn start(folder: &Path) -> Up {
        // Whoever asks it over HTTP needs that in a build with S3.
        ceteris_chassis::object_storage::install_tls();
        let mut child = ceteris(&[
            "up",
            "--listen",
            "127.0.0.1:0",
            "--metrics-listen",
            "127.0.0.1:0",
            "--data-dir",
        ])
        .arg(folder)
        .stderr(Stdio::piped())
        .spawn()
        .expect("ceteris starts");
        let mut stderr = BufReader::new(child.stderr.take().expect("stderr is piped"));
        let started = Instant::now();
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            let read = stderr.read_line(&mut line).expect("stderr is text");
            assert!(
                read > 0 && started.elapsed() < Duration::from_secs(30),
                "up did not serve: {seen}"
            );
            if let Some(api) = address(&line) {
                return Up {
                    child,
                    api,
                    _stderr: stderr,
                };
            }
            seen.push_str(&line);
        }
    }

    /// SIGKILL: nothing is flushed.
    pub fn kill(mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
    }

    /// SIGTERM, then the end; answers how long it took.
    pub fn terminate(mut self) -> Duration {
        let started = Instant::now();
        let status = Command::new("kill")
            .arg(self.child.id().to_string())
            .status()
            .expect("kill runs");
        assert!(status.success());
        let status = self.child.wait().expect("wait");
        assert!(status.success(), "up ended with {status} after SIGTERM");
        started.elapsed()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // A failed test must leave no process behind; an ended one answers with an error that says nothing new.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the line says that decisions are asked for.
fn address(line: &str) -> Option<String> {
    let url = line.split_whitespace().find(|word| word.starts_with("http://"))?;
    Some(url.to_owned())
}
