//! Counts and sums over a window: `count`, `any`, `sum`, `avg`.

use crate::window::Window;

/// The events of one cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cell {
    pub(crate) index: i64,
    pub(crate) count: u64,
    /// In millionths.
    pub(crate) sum: i128,
}

/// Events before the horizon by cell, those from it on one by one, so that the near edge is exact.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Series {
    /// By index.
    pub(crate) cells: Vec<Cell>,
    /// (ts, millionths), sorted.
    pub(crate) recent: Vec<(i64, i64)>,
}

impl Series {
    /// Takes an event; false if it can no longer count.
    pub(crate) fn put(&mut self, window: Window, horizon: i64, ts: i64, value: i64) -> bool {
        if window.cell(ts) < window.live(horizon) {
            return false;
        }
        if ts < horizon {
            self.fold(window.cell(ts), value);
        } else {
            let mut place = self.recent.len();
            while place > 0 && self.recent[place - 1] > (ts, value) {
                place -= 1;
            }
            self.recent.insert(place, (ts, value));
        }
        true
    }

    /// Folds what lies before the horizon and drops what has left the window there.
    pub(crate) fn advance(&mut self, window: Window, horizon: i64) {
        let old = self.recent.iter().take_while(|(ts, _)| *ts < horizon).count();
        for at in 0..old {
            let (ts, value) = self.recent[at];
            self.fold(window.cell(ts), value);
        }
        self.recent.drain(..old);
        let live = window.live(horizon);
        let gone = self.cells.iter().take_while(|cell| cell.index < live).count();
        if gone > 0 {
            self.cells.drain(..gone);
        }
    }

    fn fold(&mut self, index: i64, value: i64) {
        let mut place = self.cells.len();
        while place > 0 && self.cells[place - 1].index > index {
            place -= 1;
        }
        if place > 0 && self.cells[place - 1].index == index {
            let cell = &mut self.cells[place - 1];
            cell.count += 1;
            cell.sum += i128::from(value);
        } else {
            self.cells.insert(
                place,
                Cell {
                    index,
                    count: 1,
                    sum: i128::from(value),
                },
            );
        }
    }

    /// Number of events that count at `at`, and their sum in millionths.
    pub(crate) fn total(&self, window: Window, at: i64) -> (u64, i128) {
        let live = window.live(at);
        let mut count = 0u64;
        let mut sum = 0i128;
        for cell in &self.cells {
            if cell.index >= live && window.start(cell.index) < at {
                count += cell.count;
                sum += cell.sum;
            }
        }
        for &(ts, value) in &self.recent {
            if ts >= at {
                break;
            }
            if window.cell(ts) >= live {
                count += 1;
                sum += i128::from(value);
            }
        }
        (count, sum)
    }
}
