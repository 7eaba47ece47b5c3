//! An action distribution in exact arithmetic, and the draw from it.

use ceteris_stats::hash;
use serde::{Deserialize, Serialize};

/// Probability one, in ticks of 2^-32.
pub(super) const WHOLE: u64 = 1 << 32;

/// Probabilities of no treatment and of each arm, as whole multiples of 2^-32 that sum to one exactly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distribution {
    /// No treatment first, then the arms in order.
    ticks: Vec<u64>,
    /// Whether the floor had to be lowered to an even share.
    floor_lowered: bool,
}

/// What was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draw {
    /// The arm, or `None` for no treatment.
    pub arm: Option<usize>,
    /// The probability with which the distribution gives it.
    pub propensity: f64,
}

impl Distribution {
    pub(super) fn new(ticks: Vec<u64>, floor_lowered: bool) -> Self {
        debug_assert_eq!(ticks.iter().sum::<u64>(), WHOLE);
        Distribution { ticks, floor_lowered }
    }

    /// The probability of an arm (`None` is no treatment); zero for an arm that does not exist.
    pub fn probability(&self, arm: Option<usize>) -> f64 {
        let at = arm.map_or(0, |i| i.saturating_add(1));
        self.ticks.get(at).map_or(0.0, |t| *t as f64 / WHOLE as f64)
    }

    /// Number of arms, no treatment not counted.
    pub fn arms(&self) -> usize {
        self.ticks.len() - 1
    }

    /// Whether the floor had to be lowered because too many arms were allowed.
    pub fn floor_lowered(&self) -> bool {
        self.floor_lowered
    }

    /// Draws an arm from the hashed `seed`: the same seed, the same arm, on every machine.
    pub fn draw(&self, seed: u64) -> Draw {
        let mut at = hash(seed, b"arm", 0) >> 32;
        for (i, &ticks) in self.ticks.iter().enumerate() {
            if at < ticks {
                let arm = i.checked_sub(1);
                return Draw {
                    arm,
                    propensity: self.probability(arm),
                };
            }
            at -= ticks;
        }
        // Unreachable while ticks sum to 2^32; no treatment is the safe answer.
        Draw {
            arm: None,
            propensity: self.probability(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{ArmValue, PolicyParams};

    fn arm() -> impl Strategy<Value = ArmValue> {
        let value = prop_oneof![-5.0..5.0f64, Just(1.0), Just(f64::NAN), Just(f64::INFINITY)];
        (value, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
            |(net_value, significant, in_support, allowed)| ArmValue {
                net_value,
                std_error: 1.0,
                significant,
                in_support,
                allowed,
            },
        )
    }

    fn params() -> impl Strategy<Value = PolicyParams> {
        let unit = || prop_oneof![0.0..=1.0f64, Just(0.0), Just(1.0)];
        (unit(), unit(), 0.0..=0.5f64).prop_map(|(epsilon, holdout_share, propensity_floor)| PolicyParams {
            epsilon,
            holdout_share,
            propensity_floor,
        })
    }

    proptest! {
        #[test]
        fn a_distribution_is_one(arms in prop::collection::vec(arm(), 0..8), params in params(), seed: u64) {
            let policy = params.check().unwrap();
            let d = policy.distribution(&arms);
            let all: Vec<f64> = std::iter::once(None).chain((0..arms.len()).map(Some)).map(|a| d.probability(a)).collect();
            prop_assert_eq!(all.iter().sum::<f64>(), 1.0);
            let count = 1 + arms.iter().filter(|a| a.allowed).count();
            let floor = if d.floor_lowered() { (1.0 / count as f64) - 1e-9 } else { params.propensity_floor };
            let demanded = params.propensity_floor * count as f64;
            if (demanded - 1.0).abs() > 1e-6 { prop_assert_eq!(d.floor_lowered(), demanded > 1.0); }
            prop_assert!(all[0] >= floor);
            for (i, arm) in arms.iter().enumerate() {
                if arm.allowed { prop_assert!(all[i + 1] >= floor) } else { prop_assert_eq!(all[i + 1], 0.0) }
            }
            let draw = d.draw(seed);
            prop_assert_eq!(draw, d.draw(seed));
            prop_assert!(draw.propensity > 0.0);
            prop_assert_eq!(draw.propensity, d.probability(draw.arm));
            prop_assert!(draw.arm.is_none_or(|i| arms[i].allowed));
        }

        #[test]
        fn the_greedy_choice_is_the_most_likely(arms in prop::collection::vec(arm(), 0..8), seed: u64) {
            let policy = PolicyParams { epsilon: 0.1, holdout_share: 0.05, propensity_floor: 0.01 }.check().unwrap();
            let d = policy.distribution(&arms);
            let greedy = policy.greedy(&arms);
            let most = d.probability(greedy);
            for other in std::iter::once(None).chain((0..arms.len()).map(Some)) {
                prop_assert!(d.probability(other) <= most, "{seed}");
            }
            if let Some(i) = greedy { prop_assert!(arms[i].eligible()); }
        }
    }

    const GOOD: ArmValue = ArmValue {
        net_value: 1.0,
        std_error: 0.1,
        significant: true,
        in_support: true,
        allowed: true,
    };

    #[test]
    fn mixture_by_hand() {
        let policy = PolicyParams {
            epsilon: 0.25,
            holdout_share: 0.5,
            propensity_floor: 0.0,
        }
        .check()
        .unwrap();
        let d = policy.distribution(&[
            GOOD,
            ArmValue {
                net_value: 2.0,
                ..GOOD
            },
            ArmValue {
                allowed: false,
                ..GOOD
            },
        ]);
        // Three allowed: none = 1/2 + 1/2 * 1/12, first = 1/24, second = 1/2 (3/4 + 1/12).
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
        near(d.probability(None), 0.5 + 1.0 / 24.0);
        near(d.probability(Some(0)), 1.0 / 24.0);
        near(d.probability(Some(1)), 0.375 + 1.0 / 24.0);
        assert_eq!(d.probability(Some(2)), 0.0);
    }

    #[test]
    fn ties_go_to_the_first_and_nothing_beats_a_loss() {
        let policy = PolicyParams {
            epsilon: 0.0,
            holdout_share: 0.0,
            propensity_floor: 0.0,
        }
        .check()
        .unwrap();
        assert_eq!(policy.greedy(&[GOOD, GOOD]), Some(0));
        assert_eq!(
            policy.greedy(&[ArmValue {
                net_value: 0.0,
                ..GOOD
            }]),
            None
        );
        assert_eq!(
            policy.greedy(&[ArmValue {
                significant: false,
                ..GOOD
            }]),
            None
        );
        assert_eq!(
            policy.greedy(&[ArmValue {
                in_support: false,
                ..GOOD
            }]),
            None
        );
        assert_eq!(
            policy.greedy(&[
                ArmValue {
                    net_value: f64::NAN,
                    ..GOOD
                },
                GOOD
            ]),
            Some(1)
        );
        assert_eq!(policy.distribution(&[]).draw(3).arm, None);
    }

    #[test]
    fn draws_have_the_logged_probability() {
        let policy = PolicyParams {
            epsilon: 0.6,
            holdout_share: 0.1,
            propensity_floor: 0.05,
        }
        .check()
        .unwrap();
        let d = policy.distribution(&[GOOD, GOOD]);
        let n = 20_000u64;
        let given = (0..n).filter(|s| d.draw(*s).arm == Some(1)).count() as f64 / n as f64;
        let [low, high] = ceteris_stats::binomial_band(n, d.probability(Some(1)), 0.999);
        assert!((low..=high).contains(&given), "{given} outside [{low}, {high}]");
    }

    #[test]
    fn a_floor_that_cannot_hold_becomes_an_even_share() {
        let policy = PolicyParams {
            epsilon: 0.0,
            holdout_share: 0.0,
            propensity_floor: 0.5,
        }
        .check()
        .unwrap();
        let d = policy.distribution(&[GOOD, GOOD, GOOD]);
        assert!(d.floor_lowered());
        assert_eq!(
            (0..3).map(|i| d.probability(Some(i))).collect::<Vec<_>>(),
            [0.25; 3]
        );
    }
}
