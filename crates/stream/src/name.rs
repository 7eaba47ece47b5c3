//! Names of topics and groups.

use crate::error::StreamError;

/// Kafka's alphabet, a little shorter than its limit of 249 so that suffixes fit; never `.` or `..`.
pub(crate) fn check_name(what: &'static str, name: &str) -> Result<(), StreamError> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let dots = name.bytes().all(|byte| byte == b'.');
    if (1..=200).contains(&name.len()) && name.bytes().all(legal) && !dots {
        Ok(())
    } else {
        Err(StreamError::BadName {
            what,
            name: name.chars().take(220).collect(),
        })
    }
}
