//! The event ids a unit's state remembers, so that repeats change nothing.

/// The newest ids of a unit by (time, hash), at most `max` of them, oldest first.
///
/// Identity is the id alone. The newest `max` of a set do not depend on the order in which the set was given, so the
/// memory is as commutative as the sums it guards.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Seen {
    // Apart, because looking an id up scans the ids alone.
    pub(crate) times: Vec<i64>,
    pub(crate) ids: Vec<u64>,
}

impl Seen {
    pub(crate) fn contains(&self, id: u64) -> bool {
        self.ids.contains(&id)
    }

    /// Adds an id that is not there yet.
    pub(crate) fn insert(&mut self, ts: i64, id: u64, max: usize) {
        let mut place = self.times.len();
        while place > 0 && (self.times[place - 1], self.ids[place - 1]) > (ts, id) {
            place -= 1;
        }
        self.times.insert(place, ts);
        self.ids.insert(place, id);
        if self.times.len() > max {
            self.times.remove(0);
            self.ids.remove(0);
        }
    }

    /// Forgets ids of events before `ts`: whether they come again makes no difference any more.
    pub(crate) fn forget_before(&mut self, ts: i64) {
        let gone = self.times.iter().take_while(|&&t| t < ts).count();
        if gone > 0 {
            self.times.drain(..gone);
            self.ids.drain(..gone);
        }
    }

    /// The time of the oldest id if the memory is full.
    pub(crate) fn oldest_if_full(&self, max: usize) -> Option<i64> {
        if self.times.len() >= max {
            self.times.first().copied()
        } else {
            None
        }
    }
}
