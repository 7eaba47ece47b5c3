//! Lengths of time as problem files write them: `5m`, `12h`, `30d`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A non-negative length of time in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub i64);

const UNITS: [(&str, i64); 6] = [
    ("w", 7 * 86_400_000_000),
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("us", 1),
];

/// Windows beyond a century are typing errors, and would overflow sums of instants.
const MAX_US: i64 = 100 * 366 * 86_400_000_000;

impl Span {
    /// A span of whole days.
    pub const fn days(days: i64) -> Self {
        Span(days * 86_400_000_000)
    }

    /// A span of whole minutes.
    pub const fn minutes(minutes: i64) -> Self {
        Span(minutes * 60_000_000)
    }

    /// Reads a whole number and a unit (`us s m h d w`), up to a hundred years.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit())?;
        let count: i64 = text[..digits].parse().ok()?;
        let (_, unit_us) = UNITS.iter().find(|(name, _)| *name == &text[digits..])?;
        let us = count.checked_mul(*unit_us)?;
        (us <= MAX_US).then_some(Span(us))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        // Days rather than weeks: windows are spoken of in days.
        let unit = UNITS.iter().skip(1).find(|(_, us)| self.0 % us == 0);
        match unit {
            Some((name, us)) => write!(f, "{}{name}", self.0 / us),
            None => write!(f, "{}us", self.0),
        }
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Span::parse(&text).ok_or_else(|| {
            serde::de::Error::custom("a span is a whole number and a unit, for example 30d, 12h or 5m")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_spans() {
        for (text, us) in [
            ("30d", 30 * 86_400_000_000),
            ("5m", 300_000_000),
            ("0s", 0),
            ("90s", 90_000_000),
        ] {
            assert_eq!(Span::parse(text), Some(Span(us)));
            assert_eq!(Span::parse(&Span(us).to_string()), Some(Span(us)));
        }
        assert_eq!(Span::parse("1w").map(|s| s.to_string()).as_deref(), Some("7d"));
        for text in ["", "d", "3", "-1d", "3y", "99999999999999d", "40000d"] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
    }
}
