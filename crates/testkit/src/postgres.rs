//! PostgreSQL from the distribution's folders, with TimescaleDB where its library is installed beside it.
//!
//! Data are on disk and synced as in production: a killed server must find its commits again.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};

use crate::process::Process;
use crate::{ports, program};

/// The user that runs the server, which refuses to run as root; also the database's superuser.
const USER: &str = "postgres";
const INSTALL: &str = "apt-get install postgresql";
/// Where Debian keeps one folder a version.
const VERSIONS: &str = "/usr/lib/postgresql";
/// How long a server may take to answer: after a crash it replays its log first.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a starting server is asked.
const LOOK: Duration = Duration::from_millis(25);
/// Another process may take a free port before the server binds it.
const PORTS_TRIED: usize = 3;
/// A socket's path has room for 107 bytes; the server adds its own name to the folder's.
const SOCKET_FOLDER_BYTES_MAX: usize = 85;
const CONNECTIONS_MAX: u32 = 100;

/// A running PostgreSQL. Dropping it ends it; its data stay in the folder.
#[derive(Debug)]
pub struct Postgres {
    programs: Programs,
    data: PathBuf,
    sockets: PathBuf,
    log: PathBuf,
    address: SocketAddr,
    process: Option<Process>,
}

impl Postgres {
    /// Makes a cluster in `folder`, unless one is there, and starts it on a free loopback port.
    ///
    /// # Errors
    /// One sentence where PostgreSQL is not installed; with the end of its log where it does not start.
    pub async fn start(folder: &Path) -> anyhow::Result<Postgres> {
        let programs = Programs::find()?;
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        let folder = folder
            .canonicalize()
            .with_context(|| format!("find {}", folder.display()))?;
        programs.own(&folder)?;
        let data = folder.join("data");
        if !data.join("PG_VERSION").is_file() {
            let place = data.to_str().context("the server's folder is not UTF-8")?;
            let flags = [
                "-D",
                place,
                "-U",
                USER,
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ];
            programs.run("initdb", &flags).await?;
        }
        let mut server = Postgres {
            log: folder.join("postgres.log"),
            sockets: folder,
            programs,
            data,
            address: ports::free()?,
            process: None,
        };
        for attempt in 1.. {
            match server.launch().await {
                Ok(()) => break,
                Err(error) if attempt == PORTS_TRIED => return Err(error),
                Err(_) => server.address = ports::free()?,
            }
        }
        Ok(server)
    }

    /// Where it listens; the same after a restart.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a database.
    pub fn url(&self, database: &str) -> String {
        Postgres::url_at(self.address, database)
    }

    /// The URL of a database behind another address, as that of a proxy.
    pub fn url_at(address: SocketAddr, database: &str) -> String {
        format!("postgres://{USER}@{address}/{database}")
    }

    /// Makes an empty database and answers its URL.
    ///
    /// # Errors
    /// Those of `createdb`.
    pub async fn create_database(&self, name: &str) -> anyhow::Result<String> {
        let port = self.address.port().to_string();
        let flags = ["-h", "127.0.0.1", "-p", &port, "-U", USER, name];
        self.programs.run("createdb", &flags).await?;
        Ok(self.url(name))
    }

    /// Runs one statement with `psql` and answers its rows, fields parted by `|`.
    ///
    /// # Errors
    /// Those of `psql`.
    pub async fn psql(&self, database: &str, sql: &str) -> anyhow::Result<String> {
        let url = self.url(database);
        let flags = ["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &url, "-c", sql];
        self.programs.run("psql", &flags).await
    }

    /// Kills the server and every process it started (SIGKILL).
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn kill_9(&mut self) -> anyhow::Result<()> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        // A postmaster that is stopped starts no other process between the list of them and their end. Each of them
        // leads a group of its own, so the group's kill does not reach them.
        process.pause();
        let children = children_of(process.pid());
        process.kill_9()?;
        for child in &children {
            // It is no fault if one has ended meanwhile.
            let _ = kill_process(*child, Signal::KILL);
        }
        // While one of them still ends, its shared memory keeps a new server from starting.
        let until = Instant::now() + PATIENCE;
        while children.iter().any(|child| is_running(*child)) {
            anyhow::ensure!(
                Instant::now() < until,
                "a killed process of postgres does not end"
            );
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Pauses the server (SIGSTOP to each of its processes); its clients wait.
    pub fn pause(&self) {
        self.signal_all(Signal::STOP);
    }

    /// Lets a paused server go on (SIGCONT).
    pub fn resume(&self) {
        self.signal_all(Signal::CONT);
    }

    /// Starts a stopped or killed server again, on the same port and data.
    ///
    /// # Errors
    /// With the end of its log where it does not start.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.stop()?;
        self.launch().await
    }

    /// Ends the server in order, cutting its clients off. Blocks.
    ///
    /// # Errors
    /// Those of `pg_ctl`.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        // SIGTERM alone would wait until the last client has gone.
        let mut command = self.programs.command("pg_ctl");
        command.args(["stop", "-m", "fast", "-w", "-D"]).arg(&self.data);
        let output = command.output().context("start pg_ctl")?;
        process.stop()?;
        checked("pg_ctl stop", output).map(drop)
    }

    async fn launch(&mut self) -> anyhow::Result<()> {
        let mut command = self.programs.command("postgres");
        command.arg("-D").arg(&self.data);
        let sockets = match self.sockets.as_os_str().len() {
            ..=SOCKET_FOLDER_BYTES_MAX => self.sockets.display().to_string(),
            _ => String::new(),
        };
        for setting in [
            format!("port={}", self.address.port()),
            "listen_addresses=127.0.0.1".to_owned(),
            format!("unix_socket_directories={sockets}"),
            format!("max_connections={CONNECTIONS_MAX}"),
            "shared_buffers=128MB".to_owned(),
        ] {
            command.args(["-c", &setting]);
        }
        if cfg!(target_os = "linux") {
            // After a kill the server syncs what it finds: one call instead of a thousand files.
            command.args(["-c", "recovery_init_sync_method=syncfs"]);
        }
        if self.programs.has_timescaledb() {
            command.args(["-c", "shared_preload_libraries=timescaledb"]);
        }
        let process = Process::start("postgres", command, &self.log)?;
        let process = self.process.insert(process);
        let port = self.address.port().to_string();
        let until = Instant::now() + PATIENCE;
        loop {
            let flags = ["-q", "-h", "127.0.0.1", "-p", &port, "-U", USER];
            match self.programs.run("pg_isready", &flags).await {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() > until => return Err(error),
                Err(_) => process.check()?,
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn signal_all(&self, signal: Signal) {
        if let Some(process) = &self.process {
            let server = Pid::from_raw(process.pid() as i32);
            for pid in children_of(process.pid()).into_iter().chain(server) {
                let _ = kill_process(pid, signal);
            }
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.resume();
        // A server that does not shut down cleanly is killed when its handle is dropped.
        let _ = self.stop();
    }
}

/// The programs of one version, run as a user that the server accepts.
#[derive(Debug)]
struct Programs {
    folder: PathBuf,
    /// User and group to become; none where this process is not root.
    user: Option<(u32, u32)>,
}

impl Programs {
    /// The newest version that Debian's folders hold, else the one on `PATH`.
    fn find() -> anyhow::Result<Programs> {
        let versions = fs::read_dir(VERSIONS).into_iter().flatten().flatten();
        let newest = versions
            .filter_map(|entry| {
                let version = entry.file_name().to_str()?.parse::<u32>().ok()?;
                Some((version, entry.path().join("bin")))
            })
            .filter(|(_, folder)| folder.join("postgres").is_file())
            .max();
        let folder = match newest {
            Some((_, folder)) => folder,
            None => program::find("initdb", &[], INSTALL)?
                .parent()
                .map(PathBuf::from)
                .unwrap_or_default(),
        };
        let user = match program::is_root() {
            true => Some(user()?),
            false => None,
        };
        Ok(Programs { folder, user })
    }

    fn has_timescaledb(&self) -> bool {
        let output = Command::new(self.folder.join("pg_config"))
            .arg("--pkglibdir")
            .output();
        let folder = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        folder.is_ok_and(|folder| Path::new(&folder).join("timescaledb.so").is_file())
    }

    /// Gives the folder to the server's user, and lets that user pass through the temporary folders above it.
    fn own(&self, folder: &Path) -> anyhow::Result<()> {
        let Some((user, group)) = self.user else {
            return Ok(());
        };
        chown(folder, Some(user), Some(group))
            .with_context(|| format!("give {} to {USER}", folder.display()))?;
        let temporary = std::env::temp_dir();
        for above in folder.ancestors().skip(1) {
            let mode = fs::metadata(above)
                .with_context(|| format!("look at {}", above.display()))?
                .permissions()
                .mode();
            if mode & 0o001 != 0 {
                continue;
            }
            anyhow::ensure!(
                above.starts_with(&temporary) && above != temporary,
                "the user {USER} cannot enter {}: keep the server's folder below {}",
                above.display(),
                temporary.display()
            );
            fs::set_permissions(above, fs::Permissions::from_mode(mode | 0o011))
                .with_context(|| format!("open {}", above.display()))?;
        }
        Ok(())
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.folder.join(name));
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        // The user may not be able to enter the folder this process stands in.
        command.current_dir("/");
        command
    }

    async fn run(&self, name: &str, flags: &[&str]) -> anyhow::Result<String> {
        let mut command = tokio::process::Command::from(self.command(name));
        command.args(flags).kill_on_drop(true);
        let output = command.output().await.with_context(|| format!("start {name}"))?;
        checked(name, output)
    }
}

/// The ids of the server's user and group.
fn user() -> anyhow::Result<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").context("read /etc/passwd")?;
    users
        .lines()
        .filter_map(|line| line.strip_prefix(USER)?.strip_prefix(':'))
        .find_map(|rest| {
            let mut fields = rest.split(':').skip(1);
            Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
        })
        .with_context(|| format!("this machine has no user {USER}, which `{INSTALL}` makes"))
}

/// The output of a program that succeeded; otherwise an error with what it printed.
fn checked(name: &str, output: Output) -> anyhow::Result<String> {
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(
        output.status.success(),
        "{name} failed ({}): {}",
        output.status,
        said.trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The processes whose parent is `parent`.
fn children_of(parent: u32) -> Vec<Pid> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| {
            let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
            let (_, parent_of) = state_and_parent(pid)?;
            (parent_of == parent).then_some(pid)
        })
        .collect()
}

/// Whether a process is there and has not ended; one that ended may wait for its parent to notice.
fn is_running(pid: Pid) -> bool {
    state_and_parent(pid).is_some_and(|(state, _)| state != "Z" && state != "X")
}

fn state_and_parent(pid: Pid) -> Option<(String, u32)> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // Behind the name, which may hold anything but ends with the last parenthesis.
    let mut fields = stat.rsplit(") ").next()?.split(' ');
    let state = fields.next()?.to_owned();
    Some((state, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_committed_is_there_after_a_kill_and_a_stop() {
        let folder = tempfile::tempdir().unwrap();
        let mut server = Postgres::start(&folder.path().join("postgres")).await.unwrap();
        server.create_database("kept").await.unwrap();
        server.psql("kept", "create table t (x int)").await.unwrap();
        server.psql("kept", "insert into t values (7)").await.unwrap();
        let pid = server.process.as_ref().unwrap().pid();
        assert!(
            children_of(pid).len() > 2,
            "the kill reaches the background writers too"
        );
        server.kill_9().unwrap();
        assert!(server.psql("kept", "select 1").await.is_err());
        server.restart().await.unwrap();
        assert_eq!(server.psql("kept", "select x from t").await.unwrap(), "7");
        server.restart().await.unwrap();
        assert_eq!(server.psql("kept", "select x from t").await.unwrap(), "7");
    }
}
