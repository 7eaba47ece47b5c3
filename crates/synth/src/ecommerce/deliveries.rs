//! The same events as a log would get them from careless producers: repeated, late, and mixed with broken payloads.
//! The world itself, and so the truth, is untouched: every event still arrives whole at least once.

use ceteris_contract::duration::Span;
use ceteris_contract::time::Timestamp;

use super::batches::Batches;
use super::event::Event;
use super::{World, user_id};
use crate::error::SynthError;
use crate::random::Stream;

const FAULTS: u64 = 7;

/// How careless the producers are. The default is not at all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// Share of events sent a second time, within `delay_max`.
    pub duplicate_share: f64,
    /// Share of events that arrive late, by up to `delay_max`.
    pub late_share: f64,
    /// Broken payloads per event.
    pub malformed_share: f64,
    /// Longest delay of a late or repeated event.
    pub delay_max: Span,
}

/// One record as it reaches the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// When it reaches the log; not before the event happened.
    pub arrives_at: Timestamp,
    /// The record's key.
    pub user_id: String,
    /// The record's value.
    pub payload: Vec<u8>,
    /// False for a broken payload.
    pub valid: bool,
}

impl World {
    /// The world's events as deliveries in the order of arrival, one batch for each `span`. What arrives after the
    /// world's end comes in one more batch.
    ///
    /// # Errors
    /// [`SynthError::Share`].
    pub fn deliveries(&self, span: Span, faults: Faults) -> Result<Deliveries<'_>, SynthError> {
        for (field, share) in [
            ("duplicate_share", faults.duplicate_share),
            ("late_share", faults.late_share),
            ("malformed_share", faults.malformed_share),
        ] {
            if !(0.0..=1.0).contains(&share) {
                return Err(SynthError::Share { field, share });
            }
        }
        Ok(Deliveries {
            batches: self.batches(span),
            faults,
            held: Vec::new(),
            ended: false,
        })
    }
}

/// Iterator over batches of deliveries.
#[derive(Clone, Debug)]
pub struct Deliveries<'a> {
    batches: Batches<'a>,
    faults: Faults,
    /// Still on their way.
    held: Vec<Delivery>,
    ended: bool,
}

impl Deliveries<'_> {
    fn take_in(&mut self, event: &Event) {
        let seed = self.batches.world().config().seed;
        let mut stream = Stream::keyed(&[seed, u64::from(event.user), FAULTS, u64::from(event.number)]);
        let [late, delay, twice, again, broken, how] = [(); 6].map(|()| stream.uniform());
        let after = |share: f64| {
            event
                .at
                .plus(Span((share * self.faults.delay_max.0 as f64) as i64))
        };
        let payload = event.payload();
        let arrives_at = if late < self.faults.late_share {
            after(delay)
        } else {
            event.at
        };
        if broken < self.faults.malformed_share {
            self.held.push(Delivery {
                arrives_at,
                user_id: user_id(event.user),
                payload: broken_copy(&payload, how),
                valid: false,
            });
        }
        if twice < self.faults.duplicate_share {
            self.held.push(Delivery {
                arrives_at: after(again).max(arrives_at),
                user_id: user_id(event.user),
                payload: payload.clone(),
                valid: true,
            });
        }
        self.held.push(Delivery {
            arrives_at,
            user_id: user_id(event.user),
            payload,
            valid: true,
        });
    }

    /// What has arrived before `until`, in the order of arrival.
    fn arrived(&mut self, until: Timestamp) -> Vec<Delivery> {
        self.held.sort_by_key(|d| d.arrives_at);
        let rest = self
            .held
            .split_off(self.held.partition_point(|d| d.arrives_at < until));
        std::mem::replace(&mut self.held, rest)
    }
}

impl Iterator for Deliveries<'_> {
    type Item = Vec<Delivery>;

    fn next(&mut self) -> Option<Vec<Delivery>> {
        if let Some(batch) = self.batches.next() {
            for event in &batch.events {
                self.take_in(event);
            }
            return Some(self.arrived(batch.end));
        }
        let over = std::mem::replace(&mut self.ended, true);
        (!over && !self.held.is_empty()).then(|| self.arrived(Timestamp::MAX))
    }
}

/// One of four ways in which producers break a payload.
fn broken_copy(payload: &[u8], how: f64) -> Vec<u8> {
    let text = String::from_utf8_lossy(payload);
    let broken = match (how * 4.0) as u32 {
        0 => return payload[..payload.len() / 2].to_vec(),
        1 => text.replacen("\"user_id\":", "\"usr\":", 1),
        2 => text.replacen("\"timestamp\":\"", "\"timestamp\":\"about ", 1),
        _ => text.replacen("\"properties\":", "\"properties\":[],\"was\":", 1),
    };
    broken.into_bytes()
}
