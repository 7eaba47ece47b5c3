//! Long runs of a row, kept in a file beside the build so that a run that was stopped goes on.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use ceteris_estimate::diagnose::doubt::Doubt;

use super::cell::Cell;
use super::outcome::Outcome;
use super::replications;

/// Replications between two writes.
const CHUNK: usize = 50;

/// The first `count` replications of a row: those stored, then new ones.
pub fn run(cell: &Cell, count: usize) -> Vec<Outcome> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("coverage");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{}.csv", cell.name().replace('/', "-")));
    let mut outcomes = stored(cell, &std::fs::read_to_string(&path).unwrap_or_default());
    // Written whole once: what does not count any more is gone, and so is a line cut off.
    std::fs::write(&path, outcomes.iter().map(line).collect::<String>()).unwrap();
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    while outcomes.len() < count {
        let next = outcomes.len()..count.min(outcomes.len() + CHUNK);
        let new = replications(cell, next);
        file.write_all(new.iter().map(line).collect::<String>().as_bytes())
            .unwrap();
        outcomes.extend(new);
        eprintln!("{}: {} of {count}", cell.name(), outcomes.len());
    }
    outcomes.truncate(count);
    outcomes
}

/// What is stored, unless the first or the last of it comes out otherwise today.
fn stored(cell: &Cell, text: &str) -> Vec<Outcome> {
    let outcomes: Vec<Outcome> = text.lines().map_while(parse).collect();
    let ends = outcomes.first().map(|o| (0, o)).into_iter();
    let ends = ends.chain(outcomes.last().map(|o| (outcomes.len() as u64 - 1, o)));
    let same = ends.into_iter().all(|(r, o)| line(&cell.replicate(r)) == line(o));
    if same { outcomes } else { Vec::new() }
}

fn line(o: &Outcome) -> String {
    let mut text = format!(
        "{:016x},{:016x},{}",
        o.estimate.to_bits(),
        o.std_error.to_bits(),
        u8::from(o.covered)
    );
    for flag in &o.flags {
        let _ = write!(text, ",{}", serde_json::to_string(flag).unwrap());
    }
    text + ",.\n"
}

/// A line that ends as it should.
fn parse(line: &str) -> Option<Outcome> {
    let cells: Vec<&str> = line.strip_suffix(",.")?.split(',').collect();
    let bits = |k: usize| Some(f64::from_bits(u64::from_str_radix(cells.get(k)?, 16).ok()?));
    let flags: Result<Vec<Doubt>, _> = cells.iter().skip(3).map(|f| serde_json::from_str(f)).collect();
    Some(Outcome {
        estimate: bits(0)?,
        std_error: bits(1)?,
        covered: *cells.get(2)? == "1",
        flags: flags.ok()?,
    })
}
