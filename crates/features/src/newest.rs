//! The newest event before an instant: `last`, `days_since`.

use ceteris_contract::value::Value;

use crate::window::Window;

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) ts: i64,
    /// Breaks ties; empty where only the time is wanted.
    pub(crate) id: Box<str>,
    pub(crate) value: Value,
}

impl Entry {
    fn key(&self) -> (i64, &str) {
        (self.ts, &self.id)
    }
}

/// The events from the horizon on, and the newest before it, sorted by (ts, id).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Newest {
    pub(crate) entries: Vec<Entry>,
}

impl Newest {
    /// Takes an event; false if it can no longer count.
    pub(crate) fn put(&mut self, window: Window, horizon: i64, entry: Entry) -> bool {
        if window.cell(entry.ts) < window.live(horizon) {
            return false;
        }
        let late = entry.ts < horizon;
        let mut place = self.entries.len();
        while place > 0 && self.entries[place - 1].key() > entry.key() {
            place -= 1;
        }
        if place == 0 || self.entries[place - 1].key() != entry.key() {
            self.entries.insert(place, entry);
        }
        if late {
            self.advance(window, horizon);
        }
        true
    }

    /// Drops what no instant from the horizon on can see.
    pub(crate) fn advance(&mut self, window: Window, horizon: i64) {
        let old = self.entries.iter().take_while(|entry| entry.ts < horizon).count();
        if old > 1 {
            self.entries.drain(..old - 1);
        }
        if old > 0 && window.cell(self.entries[0].ts) < window.live(horizon) {
            self.entries.remove(0);
        }
    }

    /// The newest event that counts at `at`.
    pub(crate) fn find(&self, window: Window, at: i64) -> Option<&Entry> {
        let entry = self.entries.iter().rev().find(|entry| entry.ts < at)?;
        (window.cell(entry.ts) >= window.live(at)).then_some(entry)
    }
}
