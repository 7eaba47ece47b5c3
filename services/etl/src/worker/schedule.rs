//! Datasets by the clock: every so often one, as of the last full interval.

use ceteris_chassis::config::Setting;
use ceteris_chassis::worklist::Fault;
use ceteris_contract::duration::Span;
use ceteris_contract::time::Timestamp;
use ceteris_lake::DatasetRequest;

use super::Worker;

/// A dataset of a problem every so often. Its `as_of` is a multiple of the interval, so that workers that ask for it at
/// the same time, or again after a kill, ask for the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The problem.
    pub problem: String,
    /// How often.
    pub every: Span,
    /// The seed of each.
    pub seed: u64,
}

impl Schedule {
    fn request(&self, now: Timestamp) -> DatasetRequest {
        let every = self.every.0.max(1);
        DatasetRequest {
            problem: self.problem.clone(),
            as_of: Timestamp(now.0.div_euclid(every) * every),
            seed: self.seed,
            reason: "scheduled".to_owned(),
        }
    }
}

/// As a setting: `problem=interval`, or `problem=interval/seed`, for example `ecommerce=1d/7`; several by commas are a
/// `Vec`.
impl Setting for Schedule {
    fn read(text: &str) -> Result<Self, String> {
        let expected =
            || "give problem=interval or problem=interval/seed, for example ecommerce=1d/7".to_owned();
        let (problem, rest) = text.trim().split_once('=').ok_or_else(expected)?;
        let (every, seed) = rest.split_once('/').unwrap_or((rest, "0"));
        let every = Span::parse(every.trim())
            .filter(|span| span.0 > 0)
            .ok_or_else(expected)?;
        let seed = seed.trim().parse().map_err(|_| expected())?;
        let problem = problem.trim().to_owned();
        match problem.is_empty() {
            true => Err(expected()),
            false => Ok(Schedule { problem, every, seed }),
        }
    }
}

impl Worker {
    /// Asks for what is due.
    pub(super) async fn ask_on_schedule(&mut self) -> Result<(), Fault> {
        let now = self.deps.clock.now();
        for schedule in &self.config.schedules {
            let request = schedule.request(now);
            if self.scheduled.get(&schedule.problem) != Some(&request.as_of) {
                self.deps.datasets.request(&request).await?;
                self.scheduled.insert(schedule.problem.clone(), request.as_of);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_read_from_a_setting_and_asks_for_full_intervals() {
        let schedule = Schedule::read("ecommerce=1d/7").unwrap();
        assert_eq!(schedule.every, Span::days(1));
        let noon = Timestamp::parse("2026-03-04T12:00:00Z").unwrap();
        let request = schedule.request(noon);
        assert_eq!(request.as_of, Timestamp::parse("2026-03-04T00:00:00Z").unwrap());
        assert_eq!((request.problem.as_str(), request.seed), ("ecommerce", 7));
        assert_eq!(Schedule::read("p=6h").unwrap().seed, 0);
        for bad in ["", "p", "p=", "=1d", "p=0d", "p=1d/x", "p=soon"] {
            assert!(
                Schedule::read(bad).unwrap_err().contains("ecommerce=1d/7"),
                "{bad}"
            );
        }
    }
}
