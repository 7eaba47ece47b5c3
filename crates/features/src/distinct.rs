//! Number of distinct values in a window: `count_distinct`.

use crate::window::Window;

/// Value hashes with the newest cell each was seen in; events from the horizon on one by one.
///
/// At most `max` hashes are kept, those with the newest cells. A hash that was dropped leaves the window no later than
/// each that stayed; so while it would count, `max` others do, and the answer is "`max` or more" either way. Which
/// hashes stay does not depend on the order of events.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Distinct {
    /// (hash, cell), by hash.
    pub(crate) folded: Vec<(u64, i64)>,
    /// (ts, hash), sorted.
    pub(crate) recent: Vec<(i64, u64)>,
}

impl Distinct {
    /// Takes an event; false if it can no longer count.
    pub(crate) fn put(&mut self, window: Window, horizon: i64, ts: i64, hash: u64, max: usize) -> bool {
        if window.cell(ts) < window.live(horizon) {
            return false;
        }
        if ts < horizon {
            self.fold(hash, window.cell(ts), max);
        } else {
            let mut place = self.recent.len();
            while place > 0 && self.recent[place - 1] > (ts, hash) {
                place -= 1;
            }
            self.recent.insert(place, (ts, hash));
        }
        true
    }

    /// Folds what lies before the horizon and drops what has left the window there.
    pub(crate) fn advance(&mut self, window: Window, before: i64, horizon: i64, max: usize) {
        let old = self.recent.iter().take_while(|(ts, _)| *ts < horizon).count();
        for at in 0..old {
            let (ts, hash) = self.recent[at];
            self.fold(hash, window.cell(ts), max);
        }
        self.recent.drain(..old);
        let live = window.live(horizon);
        // Without a new bucket nothing that was kept has left.
        if old > 0 || window.live(before) != live {
            self.folded.retain(|(_, cell)| *cell >= live);
        }
    }

    fn fold(&mut self, hash: u64, cell: i64, max: usize) {
        match self.folded.binary_search_by_key(&hash, |entry| entry.0) {
            Ok(place) => self.folded[place].1 = self.folded[place].1.max(cell),
            Err(place) => self.folded.insert(place, (hash, cell)),
        }
        if self.folded.len() > max {
            let oldest = (0..self.folded.len()).min_by_key(|&i| (self.folded[i].1, self.folded[i].0));
            if let Some(oldest) = oldest {
                self.folded.remove(oldest);
            }
        }
    }

    /// Number of distinct values that count at `at`, at most `max`; `max` means that many or more.
    pub(crate) fn count(&self, window: Window, at: i64, max: usize) -> usize {
        let live = window.live(at);
        let counts = |cell: i64| cell >= live && window.start(cell) < at;
        let mut found = self.folded.iter().filter(|(_, cell)| counts(*cell)).count();
        let mut fresh: Vec<u64> = self
            .recent
            .iter()
            .take_while(|(ts, _)| *ts < at)
            .filter(|(ts, _)| window.cell(*ts) >= live)
            .map(|(_, hash)| *hash)
            .collect();
        fresh.sort_unstable();
        fresh.dedup();
        for hash in fresh {
            let known = self.folded.binary_search_by_key(&hash, |entry| entry.0);
            if !known.is_ok_and(|place| counts(self.folded[place].1)) {
                found += 1;
            }
        }
        found.min(max)
    }
}
