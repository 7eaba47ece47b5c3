//! DuckDB from PyPI, in a process of its own: the script beside our figures in `benches/`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use ceteris_chassis::pool;
use serde::Deserialize;

use crate::etl::export::Files;
use ceteris_terminal::Stage;
use ceteris_terminal::bad_input;

const SCRIPT: &str = include_str!("../../etl_duckdb.py");
/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(900);
const LOOK: Duration = Duration::from_millis(20);
/// Sums of amounts differ by the order of their terms.
const DIFFERENCE_MAX: f64 = 1e-6;

/// A Python that has DuckDB.
pub(crate) struct Interpreter(PathBuf);

/// What the script prints.
#[derive(Debug, Deserialize)]
pub(crate) struct Theirs {
    duckdb: String,
    rows: u64,
    /// Reading the file, its JSON too, into typed tables.
    load_seconds: f64,
    pub(crate) join_seconds: f64,
    /// The same of the processor, all threads together.
    load_cpu_seconds: f64,
    pub(crate) join_cpu_seconds: f64,
    /// The largest difference from our column, by its name.
    differences: BTreeMap<String, f64>,
}

impl Theirs {
    /// From the file to the answer.
    pub(crate) fn seconds(&self) -> f64 {
        self.load_seconds + self.join_seconds
    }

    /// The same of the processor.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        self.load_cpu_seconds + self.join_cpu_seconds
    }
}

impl Interpreter {
    /// Asks it for DuckDB, before anything long begins.
    pub(crate) fn find(path: &Path) -> anyhow::Result<Interpreter> {
        let fix = "give a Python that has the package duckdb";
        let asked = Command::new(path)
            .args(["-c", "import duckdb"])
            .stdin(Stdio::null())
            .output();
        match asked {
            Ok(output) if output.status.success() => Ok(Interpreter(path.to_path_buf())),
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr);
                let last = said.trim().lines().last().unwrap_or("it failed").to_owned();
                Err(bad_input(format!("--python {}: {last}; {fix}", path.display())))
            }
            Err(error) => Err(bad_input(format!("--python {}: {error}; {fix}", path.display()))),
        }
    }

    /// Runs the script, and checks that its columns are ours.
    pub(crate) async fn run(
        self,
        folder: &Path,
        files: &Files,
        threads: usize,
        repeats: u32,
    ) -> anyhow::Result<Theirs> {
        let stage = Stage::start("duckdb", 0);
        let script = folder.join("etl_duckdb.py");
        std::fs::write(&script, SCRIPT).with_context(|| format!("write {}", script.display()))?;
        let output = folder.join("duckdb.json");
        let file = std::fs::File::create(&output).with_context(|| format!("write {}", output.display()))?;
        let child = Command::new(&self.0)
            .arg(&script)
            .args([&files.events, &files.rows])
            .args([threads.to_string(), repeats.to_string()])
            .stdin(Stdio::null())
            .stdout(file)
            .spawn()
            .context("start DuckDB")?;
        pool::run(move || ended(child))
            .await
            .context("wait for DuckDB")??;
        let printed = std::fs::read(&output).context("read what DuckDB found")?;
        let theirs: Theirs = serde_json::from_slice(&printed).context("read what DuckDB found")?;
        for (column, difference) in &theirs.differences {
            anyhow::ensure!(
                *difference <= DIFFERENCE_MAX,
                "DuckDB's {column} differs from ours by up to {difference}"
            );
        }
        let (version, rows) = (&theirs.duckdb, theirs.rows);
        stage.done(&format!("DuckDB {version}: {rows} rows, the same,"));
        Ok(theirs)
    }
}

/// Waits for a good end, within bounds.
fn ended(mut child: Child) -> anyhow::Result<()> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().context("wait for DuckDB")? {
            anyhow::ensure!(status.success(), "DuckDB ended with {status}");
            return Ok(());
        }
        if started.elapsed() > PATIENCE {
            child.kill().and_then(|()| child.wait()).context("end DuckDB")?;
            anyhow::bail!("DuckDB took longer than {} s", PATIENCE.as_secs());
        }
        std::thread::sleep(LOOK);
    }
}
