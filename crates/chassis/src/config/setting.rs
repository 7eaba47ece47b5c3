//! Kinds of settings, each read from text.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ceteris_contract::duration::Span;

/// A kind of setting.
pub trait Setting: Sized {
    /// Reads it from text.
    ///
    /// # Errors
    /// What was expected.
    fn read(text: &str) -> Result<Self, String>;
}

impl Setting for String {
    fn read(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl Setting for PathBuf {
    fn read(text: &str) -> Result<Self, String> {
        Ok(PathBuf::from(text))
    }
}

/// Several, separated by commas.
impl<T: Setting> Setting for Vec<T> {
    fn read(text: &str) -> Result<Self, String> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        words.map(T::read).collect()
    }
}

macro_rules! parsed {
    ($($kind:ty: $expected:literal),* $(,)?) => {
        $(impl Setting for $kind {
            fn read(text: &str) -> Result<Self, String> {
                text.trim().parse().map_err(|_| format!("give {}", $expected))
            }
        })*
    };
}

parsed! {
    bool: "true or false",
    u16: "a whole number up to 65535",
    u32: "a whole number",
    u64: "a whole number",
    usize: "a whole number",
    f64: "a number",
    SocketAddr: "an address with a port, for example 127.0.0.1:8080",
}

impl Setting for Span {
    fn read(text: &str) -> Result<Self, String> {
        Span::parse(text)
            .ok_or_else(|| "give a whole number and a unit, for example 30d, 12h, 5m or 1s".to_owned())
    }
}

impl Setting for Duration {
    fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let milliseconds = text
            .strip_suffix("ms")
            .map(|number| number.parse().map(Duration::from_millis));
        let read = match milliseconds {
            Some(read) => read.ok(),
            None => Span::parse(text)
                .and_then(|span| u64::try_from(span.0).ok())
                .map(Duration::from_micros),
        };
        read.ok_or_else(|| "give a whole number and a unit, for example 250ms, 1s, 5m or 12h".to_owned())
    }
}

/// A number of bytes, for example `64KiB`, `8GiB` or `1000000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl Setting for ByteSize {
    fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let shift = match text[digits..].trim() {
            "" | "B" => Some(0),
            "KiB" => Some(10),
            "MiB" => Some(20),
            "GiB" => Some(30),
            "TiB" => Some(40),
            _ => None,
        };
        let bytes = shift.and_then(|shift: u32| text[..digits].parse::<u64>().ok()?.checked_mul(1 << shift));
        bytes
            .map(ByteSize)
            .ok_or_else(|| "give a number of bytes, for example 64KiB, 8GiB or 1000000".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_are_read_with_their_units() {
        assert_eq!(ByteSize::read("8GiB"), Ok(ByteSize(8 << 30)));
        assert_eq!(ByteSize::read("17"), Ok(ByteSize(17)));
        assert_eq!(Duration::read("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(Duration::read("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["8GB", "-1", "99999999999TiB"] {
            assert!(ByteSize::read(wrong).is_err(), "{wrong}");
        }
        for wrong in ["5", "1.5s", "ms"] {
            assert!(Duration::read(wrong).is_err(), "{wrong}");
        }
    }
}
