//! What is asked of a row, by the class it was listed in.

use super::golden::Line;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Covers as often as it says.
    Regular,
    /// Covers nearly so, or raises its flag.
    Stress,
    /// Published as it is: both nuisances are learned more slowly than the theory asks at this size, which leaves a bias
    /// that no interval holds. Its error is told truly all the same.
    SlowLearner,
}

impl Class {
    const ALL: [Class; 3] = [Class::Regular, Class::Stress, Class::SlowLearner];

    pub fn name(self) -> &'static str {
        match self {
            Class::Regular => "regular",
            Class::Stress => "stress",
            Class::SlowLearner => "slow_learner",
        }
    }

    pub fn of_name(name: &str) -> Option<Class> {
        Class::ALL.into_iter().find(|class| class.name() == name)
    }

    /// Whether a row keeps the bounds of its class.
    pub fn holds(self, line: &Line) -> bool {
        match self {
            Class::Regular => (0.93..=0.97).contains(&line.coverage),
            Class::Stress => line.coverage >= 0.90 || line.flagged >= 0.95,
            Class::SlowLearner => (0.9..=1.1).contains(&(line.mean_error / line.spread)),
        }
    }
}
