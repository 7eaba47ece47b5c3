//! Whether a service may get traffic, and why not: named conditions, each set by the code that knows it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Asks whether one condition holds; the error says why not.
pub type Probe = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// The conditions of a service. Clones share them.
#[derive(Clone, Default)]
pub struct Health {
    conditions: Arc<Mutex<BTreeMap<String, Probe>>>,
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.faults()).finish()
    }
}

impl Health {
    /// The condition does not hold.
    pub fn waits(&self, condition: &str, why: impl Into<String>) {
        let why = why.into();
        self.probe(condition, Arc::new(move || Err(why.clone())));
    }

    /// The condition holds.
    pub fn holds(&self, condition: &str) {
        self.probe(condition, Arc::new(|| Ok(())));
    }

    /// The condition is asked each time.
    pub fn probe(&self, condition: &str, probe: Probe) {
        let mut conditions = self.conditions.lock().unwrap_or_else(PoisonError::into_inner);
        conditions.insert(condition.to_owned(), probe);
    }

    /// Conditions that do not hold, with the reasons; none: traffic may come.
    pub fn faults(&self) -> BTreeMap<String, String> {
        let conditions = self
            .conditions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let asked = conditions
            .into_iter()
            .filter_map(|(name, probe)| probe().err().map(|why| (name, why)));
        asked.collect()
    }
}
