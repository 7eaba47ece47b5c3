//! Coverage of 95 % intervals on named processes: a published table, and a few of its replications run again.
//!
//! `CETERIS_COVERAGE=1000 cargo test -p ceteris-estimate --test it coverage:: -- --nocapture` draws the table anew and writes it;
//! with `CETERIS_COVERAGE_ROWS=<part of a name>` those rows only, the others staying as stored. A smaller number prints
//! rows and leaves the table alone. A run that was stopped goes on where it was.
//! Without the variable the stored table is held to its bounds, and the first replications of every row are compared
//! with it bit for bit (on the CPU kind it was made on; to a part in a million elsewhere).
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read the environment and files"
)]

mod cell;
mod class;
mod golden;
mod learners;
mod method;
mod outcome;
mod runs;

use cell::{CELLS, Cell};
use golden::{Golden, Line};
use outcome::Outcome;
use rayon::prelude::*;

/// Replications of every row that are kept, and run again.
const KEPT: usize = 3;
/// Replications of a published row.
const PUBLISHED: usize = 1000;

fn replications(cell: &Cell, which: std::ops::Range<usize>) -> Vec<Outcome> {
    which.into_par_iter().map(|r| cell.replicate(r as u64)).collect()
}

#[test]
fn the_table_keeps_its_bounds_and_its_replications_their_bits() {
    if let Ok(count) = std::env::var("CETERIS_COVERAGE") {
        let count: usize = count.parse().unwrap();
        let part = std::env::var("CETERIS_COVERAGE_ROWS").unwrap_or_default();
        let asked = CELLS.iter().filter(|cell| cell.name().contains(&part));
        let lines = asked.map(|cell| {
            let line = Line::of(cell, &runs::run(cell, count));
            eprintln!("{}", line.summary());
            line
        });
        let lines: Vec<Line> = lines.collect();
        if count < PUBLISHED {
            return;
        }
        Golden::read().renew(lines).write();
    }
    let golden = Golden::read();
    assert_eq!(golden.lines.len(), CELLS.len(), "draw the table anew");
    let mut faults = Vec::new();
    for (cell, line) in CELLS.iter().zip(&golden.lines) {
        assert_eq!(
            (&line.name, line.n, line.p, line.class),
            (&cell.name(), cell.n, cell.p, cell.class())
        );
        assert!(line.replications >= PUBLISHED, "{}", line.name);
        assert_eq!(line.kept.len(), KEPT, "{}", line.name);
        if !line.class.holds(line) {
            faults.push(line.summary());
        }
        for (again, kept) in replications(cell, 0..KEPT).iter().zip(&line.kept) {
            let same = if golden.of_this_cpu() {
                [again.estimate, again.std_error].map(f64::to_bits) == kept.map(f64::to_bits)
            } else {
                (again.estimate - kept[0]).abs() <= 1e-6 * (1.0 + kept[0].abs())
                    && (again.std_error - kept[1]).abs() <= 1e-6 * kept[1]
            };
            assert!(same, "{}: {again:?} is not {kept:?}", line.name);
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
