//! One server: a child process in a group of its own, its log, its signals, and a watchdog that ends it with its owner.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process_group};

/// How long a server may take to end by itself after SIGTERM.
const STOP_PATIENCE: Duration = Duration::from_secs(20);
/// How often an ending server is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// The lines of a log that an error quotes.
const LOG_LINES: usize = 15;

/// Waits until its standard input closes, which happens however the owner dies, and ends the group.
const WATCHDOG: &str = "trap '' INT TERM HUP; cat >/dev/null; kill -s TERM -- -$1 2>/dev/null; n=0; \
     while kill -s 0 -- -$1 2>/dev/null && [ $n -lt 50 ]; do sleep 0.1; n=$((n+1)); done; kill -s CONT -- -$1 2>/dev/null; \
     kill -s KILL -- -$1 2>/dev/null";

/// A running server. Dropping it ends it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    watchdog: Child,
    log: PathBuf,
    stopped: Option<ExitStatus>,
}

impl Process {
    /// Starts `command` in a process group of its own, with standard output and error appended to `log`.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start(name: &str, mut command: Command, log: &Path) -> anyhow::Result<Process> {
        let output = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("open {}", log.display()))?;
        let errors = output.try_clone().context("share a log file")?;
        command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0);
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command
            .spawn()
            .with_context(|| format!("start {name} ({program})"))?;
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "watchdog", &child.id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        let mut process = Process {
            name: name.to_owned(),
            watchdog: match watchdog {
                Ok(watchdog) => watchdog,
                Err(error) => {
                    let mut child = child;
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(error).with_context(|| format!("watch {name}"));
                }
            },
            child,
            log: log.to_path_buf(),
            stopped: None,
        };
        process.check()?;
        Ok(process)
    }

    /// The process id of the server.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where its output goes.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// An error, with the end of the log, if the server has ended.
    ///
    /// # Errors
    /// Where the server has ended.
    pub fn check(&mut self) -> anyhow::Result<()> {
        match self.ended()? {
            None => Ok(()),
            Some(status) => anyhow::bail!("{} ended ({status}):\n{}", self.name, self.log_tail()),
        }
    }

    /// How the server ended, if it has.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        if self.stopped.is_none() {
            self.stopped = self
                .child
                .try_wait()
                .with_context(|| format!("look at {}", self.name))?;
        }
        Ok(self.stopped)
    }

    /// The last lines of the server's output.
    pub fn log_tail(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }

    /// Asks the server to end (SIGTERM) and waits for it; one that takes too long is killed. Blocks.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn stop(&mut self) -> anyhow::Result<ExitStatus> {
        self.signal(Signal::TERM);
        let until = Instant::now() + STOP_PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.ended()? {
                self.release();
                return Ok(status);
            }
            std::thread::sleep(LOOK);
        }
        self.kill_9()
    }

    /// Kills the server and everything it started (SIGKILL), and waits for its end.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn kill_9(&mut self) -> anyhow::Result<ExitStatus> {
        self.signal(Signal::KILL);
        let status = match self.ended()? {
            Some(status) => status,
            None => self
                .child
                .wait()
                .with_context(|| format!("wait for {}", self.name))?,
        };
        self.stopped = Some(status);
        self.release();
        Ok(status)
    }

    /// Pauses the server (SIGSTOP) until [`resume`](Self::resume).
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets a paused server go on (SIGCONT).
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Sends a signal to the server's group unless it has ended.
    fn signal(&self, signal: Signal) {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let (None, Some(group)) = (self.stopped, group) {
            // It is no fault if the group has ended already.
            let _ = kill_process_group(group, signal);
        }
    }

    /// The server has ended. Its watchdog ends too, because the process id may be given to another process.
    fn release(&mut self) {
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.stopped.is_none() {
            // A paused server takes no other signal.
            self.resume();
            let _ = self.stop();
        } else {
            self.release();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(folder: &Path) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", "echo ready; sleep 1000"]);
        Process::start("sleeper", command, &folder.join("log")).unwrap()
    }

    fn alive(pid: u32) -> bool {
        // A zombie has ended, though its number is still taken.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(") ")
            .next()
            .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
    }

    #[test]
    fn a_server_ends_with_its_handle() {
        let folder = tempfile::tempdir().unwrap();
        let process = sleeper(folder.path());
        let pid = process.pid();
        assert!(alive(pid));
        drop(process);
        assert!(!alive(pid));
    }

    #[test]
    fn a_paused_server_ends_with_its_handle_too() {
        let folder = tempfile::tempdir().unwrap();
        let process = sleeper(folder.path());
        let pid = process.pid();
        process.pause();
        drop(process);
        assert!(!alive(pid));
    }

    #[test]
    fn a_server_ends_when_its_owner_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = sleeper(folder.path());
        let pid = process.pid();
        // As when the owner dies: the watchdog's pipe closes, and nobody calls stop.
        drop(process.watchdog.stdin.take());
        process.watchdog.wait().unwrap();
        process.child.wait().unwrap();
        assert!(!alive(pid));
    }

    #[test]
    fn a_server_that_cannot_start_shows_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such setting >&2; exit 3"]);
        let mut process = match Process::start("broken", command, &folder.path().join("log")) {
            Ok(process) => process,
            Err(error) => {
                assert!(error.to_string().contains("broken ended"), "{error}");
                return;
            }
        };
        process.child.wait().unwrap();
        let error = process.check().unwrap_err().to_string();
        assert!(
            error.contains("broken ended") && error.contains("no such setting"),
            "{error}"
        );
    }
}
