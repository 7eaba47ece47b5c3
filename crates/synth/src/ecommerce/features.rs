//! The features of a unit at an instant, computed from its own events by plain scans: what the feature views of the
//! problem file must yield, worked out a second way.

use std::collections::BTreeMap;

use ceteris_contract::duration::Span;
use ceteris_contract::time::{DAY_US, Timestamp};
use ceteris_contract::value::Value;
use serde::{Deserialize, Serialize};

use super::event::{Event, EventKind, milli};
use crate::error::SynthError;

/// Window of avg_session_duration and session_frequency.
pub const SESSION_WINDOW: Span = Span::days(30);
/// Window of historical_spend and days_since_last_purchase. No world is longer.
pub const SPEND_WINDOW: Span = Span::days(365);
/// Granularity of every window's far edge.
pub const BUCKET: Span = Span::days(1);
/// Days since the last purchase of a unit without one.
pub const NO_PURCHASE_DAYS: f64 = 365.0;

/// Loyalty tier, from the spend when the profile was scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Spend below 60.
    Bronze,
    /// Spend below 180.
    Silver,
    /// Spend from 180 on.
    Gold,
}

impl Tier {
    const ALL: [Tier; 3] = [Tier::Bronze, Tier::Silver, Tier::Gold];

    /// The category as events carry it.
    pub fn name(self) -> &'static str {
        match self {
            Tier::Bronze => "bronze",
            Tier::Silver => "silver",
            Tier::Gold => "gold",
        }
    }

    pub(super) fn of_spend(spend: f64) -> Self {
        if spend < 60.0 {
            Tier::Bronze
        } else if spend < 180.0 {
            Tier::Silver
        } else {
            Tier::Gold
        }
    }
}

/// Where a user lives: drawn at random, and the budget for coupons differs by region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Region {
    /// Fewest coupons.
    North,
    /// Few coupons.
    East,
    /// As elsewhere.
    Centre,
    /// Many coupons.
    South,
    /// Most coupons.
    West,
}

impl Region {
    /// All of them.
    pub const ALL: [Region; 5] = [
        Region::North,
        Region::East,
        Region::Centre,
        Region::South,
        Region::West,
    ];

    /// The category as events carry it.
    pub fn name(self) -> &'static str {
        match self {
            Region::North => "north",
            Region::East => "east",
            Region::Centre => "centre",
            Region::South => "south",
            Region::West => "west",
        }
    }
}

/// What the views yield for one unit at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Features {
    /// Mean of `session_ended.duration_s` over 30 days, in seconds; 0 without a session.
    pub avg_session_duration: f64,
    /// Number of `session_ended` over 30 days.
    pub session_frequency: f64,
    /// Days since the newest `purchase`, fractional; 365 without one.
    pub days_since_last_purchase: f64,
    /// Sum of `purchase.amount` over 365 days.
    pub historical_spend: f64,
    /// Last `profile_updated.tier`.
    pub user_tier: Tier,
    /// Last `profile_updated.region`.
    pub location: Region,
    /// Last `profile_updated.price_sensitivity`, in [0, 1].
    pub price_sensitivity: f64,
}

impl Features {
    /// By view name, as a request's context or a decision record has them.
    pub fn values(&self) -> BTreeMap<String, Value> {
        let entries: [(&str, Value); 7] = [
            ("avg_session_duration", self.avg_session_duration.into()),
            ("session_frequency", self.session_frequency.into()),
            ("days_since_last_purchase", self.days_since_last_purchase.into()),
            ("historical_spend", self.historical_spend.into()),
            ("user_tier", self.user_tier.name().into()),
            ("location", self.location.name().into()),
            ("price_sensitivity", self.price_sensitivity.into()),
        ];
        entries.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// Reads values by view name.
    ///
    /// # Errors
    /// [`SynthError::Feature`] names the first one that is missing or of the wrong kind.
    pub fn from_values(values: &BTreeMap<String, Value>) -> Result<Self, SynthError> {
        let number = |feature: &'static str| {
            let value = values.get(feature).and_then(Value::as_number);
            value.ok_or(SynthError::Feature { feature })
        };
        let text = |feature: &str| values.get(feature).and_then(Value::as_category);
        let tier = text("user_tier").and_then(|name| Tier::ALL.into_iter().find(|t| t.name() == name));
        let region = text("location").and_then(|name| Region::ALL.into_iter().find(|r| r.name() == name));
        Ok(Features {
            avg_session_duration: number("avg_session_duration")?,
            session_frequency: number("session_frequency")?,
            days_since_last_purchase: number("days_since_last_purchase")?,
            historical_spend: number("historical_spend")?,
            user_tier: tier.ok_or(SynthError::Feature { feature: "user_tier" })?,
            location: region.ok_or(SynthError::Feature { feature: "location" })?,
            price_sensitivity: number("price_sensitivity")?,
        })
    }
}

/// What has happened to a unit so far, as far as features need it.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    sessions: Vec<(Timestamp, u32)>,
    purchases: Vec<(Timestamp, u32)>,
    profile: Option<Profile>,
}

#[derive(Clone, Copy, Debug)]
struct Profile {
    tier: Tier,
    region: Region,
    sensitivity_milli: u32,
}

impl History {
    /// The history that these events make up to (not including) `at`.
    pub(super) fn before(events: &[Event], at: Timestamp) -> Self {
        let mut history = History::default();
        for event in events.iter().filter(|e| e.at < at) {
            history.apply(event.at, event.kind);
        }
        history
    }

    /// Takes in one event; events come in the order of time.
    pub(super) fn apply(&mut self, at: Timestamp, kind: EventKind) {
        match kind {
            EventKind::SessionEnded { duration_s } => self.sessions.push((at, duration_s)),
            EventKind::Purchase { amount_cents } => self.purchases.push((at, amount_cents)),
            EventKind::ProfileUpdated {
                tier,
                region,
                sensitivity_milli,
            } => {
                self.profile = Some(Profile {
                    tier,
                    region,
                    sensitivity_milli,
                });
            }
            _ => {}
        }
    }

    /// Spend over the spend window before `at`.
    pub(super) fn spend(&self, at: Timestamp) -> f64 {
        let cents: u64 = within(&self.purchases, at, SPEND_WINDOW).map(u64::from).sum();
        cents as f64 / 100.0
    }

    /// The features at `at`; none before the first profile.
    pub(super) fn features(&self, at: Timestamp) -> Option<Features> {
        let profile = self.profile?;
        let (mut count, mut seconds) = (0u64, 0u64);
        for duration in within(&self.sessions, at, SESSION_WINDOW) {
            count += 1;
            seconds += u64::from(duration);
        }
        let newest = self.purchases.iter().map(|(ts, _)| *ts).rfind(|ts| *ts < at);
        Some(Features {
            avg_session_duration: if count == 0 {
                0.0
            } else {
                seconds as f64 / count as f64
            },
            session_frequency: count as f64,
            days_since_last_purchase: newest
                .map_or(NO_PURCHASE_DAYS, |ts| (at.0 - ts.0) as f64 / DAY_US as f64),
            historical_spend: self.spend(at),
            user_tier: profile.tier,
            location: profile.region,
            price_sensitivity: milli(profile.sensitivity_milli),
        })
    }
}

/// Values of the events with `floor(at, bucket) - window <= ts < at`.
fn within(events: &[(Timestamp, u32)], at: Timestamp, window: Span) -> impl Iterator<Item = u32> + '_ {
    let from = at.floor(BUCKET).minus(window);
    events
        .iter()
        .filter(move |(ts, _)| from <= *ts && *ts < at)
        .map(|(_, value)| *value)
}
