//! Instants: microseconds since the Unix epoch, UTC. Written as RFC 3339 on every wire.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::duration::Span;

/// Microseconds in a day.
pub const DAY_US: i64 = 86_400_000_000;

/// An instant in microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The latest instant we accept (year 9999), so that adding a window can never overflow.
    pub const MAX: Timestamp = Timestamp(253_402_300_799_999_999);

    /// Reads RFC 3339 ("2026-01-31T10:00:00Z", any offset), years 1970 to 9999.
    pub fn parse(text: &str) -> Option<Self> {
        let instant = DateTime::parse_from_rfc3339(text).ok()?;
        let at = Timestamp(instant.timestamp_micros());
        (at.0 >= 0 && at <= Timestamp::MAX).then_some(at)
    }

    /// The instant `span` later.
    pub fn plus(self, span: Span) -> Self {
        Timestamp(self.0.saturating_add(span.0))
    }

    /// The instant `span` earlier.
    pub fn minus(self, span: Span) -> Self {
        Timestamp(self.0.saturating_sub(span.0))
    }

    /// The start of the `bucket` this instant lies in; a zero span leaves it unchanged.
    pub fn floor(self, bucket: Span) -> Self {
        if bucket.0 <= 0 {
            self
        } else {
            Timestamp(self.0 - self.0.rem_euclid(bucket.0))
        }
    }

    /// Whole days since the epoch.
    pub fn day(self) -> i64 {
        self.0.div_euclid(DAY_US)
    }

    /// The calendar date, `YYYY-MM-DD`.
    pub fn date(self) -> String {
        self.utc().format("%Y-%m-%d").to_string()
    }

    fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or(DateTime::UNIX_EPOCH)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.utc().to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::parse(&text).ok_or_else(|| {
            serde::de::Error::custom("an instant is RFC 3339, for example 2026-01-31T10:00:00Z, from 1970 on")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_floors_to_buckets() {
        let at = Timestamp::parse("2026-03-01T10:30:00.000250+02:00").unwrap();
        assert_eq!(at.to_string(), "2026-03-01T08:30:00.000250Z");
        assert_eq!(at.floor(Span::days(1)).to_string(), "2026-03-01T00:00:00Z");
        assert_eq!(at.date(), "2026-03-01");
        assert_eq!(Timestamp::parse("yesterday"), None);
        assert_eq!(Timestamp::parse("1969-12-31T23:59:59Z"), None);
    }
}
