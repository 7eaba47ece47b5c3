//! `[identity]` and `[clock]`: the key under which units are hashed, and the clock.

use ceteris_chassis::clock::Clock;
use ceteris_chassis::config::Settings;
use ceteris_contract::identity::IdentityKey;
use ceteris_contract::time::Timestamp;
use secrecy::ExposeSecret;

/// Reads `identity.key`. `None` means that a fault has been noted.
pub fn read_identity(settings: &mut Settings) -> Option<IdentityKey> {
    let text = settings.required_secret("identity.key")?;
    let key = IdentityKey::from_hex(text.expose_secret());
    if key.is_none() {
        settings.fault(
            "identity.key",
            "give 64 hexadecimal digits, for example of `openssl rand -hex 32`",
        );
    }
    key
}

/// Reads `[clock]`. `None` means that a fault has been noted.
pub fn read_clock(settings: &mut Settings) -> Option<Clock> {
    let kind: String = settings.value("clock.kind")?;
    let start: Option<String> = settings.optional("clock.start");
    match (kind.as_str(), start) {
        ("wall", None) => Some(Clock::Wall),
        ("wall", Some(_)) => {
            settings.fault(
                "clock.start",
                "only a clock of kind `events` has one: leave it out",
            );
            None
        }
        ("events", Some(start)) => {
            let instant = Timestamp::parse(&start);
            if instant.is_none() {
                settings.fault("clock.start", "give RFC 3339, for example 2026-01-31T10:00:00Z");
            }
            instant.map(Clock::events)
        }
        ("events", None) => {
            settings.fault(
                "clock.start",
                "an `events` clock needs the instant where it begins",
            );
            None
        }
        _ => {
            settings.fault("clock.kind", "give wall or events");
            None
        }
    }
}
