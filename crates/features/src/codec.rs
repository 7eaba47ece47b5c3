//! States as bytes: layout version, schema, varints, CRC-32. The same state always gives the same bytes.

use ceteris_contract::value::Value;

use crate::distinct::Distinct;
use crate::error::DecodeError;
use crate::newest::{Entry, Newest};
use crate::seen::Seen;
use crate::series::{Cell, Series};
use crate::state::{UnitState, ViewState, horizon_of};
use crate::view_set::ViewSet;

/// Layout of encoded states; part of the schema hash.
pub const STATE_VERSION: u8 = 1;

/// Version and schema.
const HEAD_BYTES: usize = 9;
const CRC_BYTES: usize = 4;

impl UnitState {
    /// The state as bytes.
    pub fn encode(&self, views: &ViewSet) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + self.seen.ids.len() * 14);
        out.push(STATE_VERSION);
        out.extend_from_slice(&views.schema().0);
        put_seen(&mut out, &self.seen, self.newest);
        for view in &self.views {
            match view {
                ViewState::Series(series) => put_series(&mut out, series),
                ViewState::Newest(newest) => put_newest(&mut out, newest),
                ViewState::Distinct(distinct) => put_distinct(&mut out, distinct),
            }
        }
        let crc = crc32fast::hash(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads what [`encode`](Self::encode) wrote for the same views.
    ///
    /// # Errors
    /// [`DecodeError`]: the bytes are of another layout or other views, or damaged. None of these means a new unit.
    pub fn decode(views: &ViewSet, bytes: &[u8]) -> Result<Self, DecodeError> {
        let found = *bytes.first().ok_or(DecodeError::Damaged)?;
        if found != STATE_VERSION {
            return Err(DecodeError::Version {
                found,
                expected: STATE_VERSION,
            });
        }
        if bytes.len() < HEAD_BYTES + CRC_BYTES {
            return Err(DecodeError::Damaged);
        }
        let (content, crc) = bytes.split_at(bytes.len() - CRC_BYTES);
        if crc32fast::hash(content).to_le_bytes() != *crc {
            return Err(DecodeError::Damaged);
        }
        if content[1..HEAD_BYTES] != views.schema().0 {
            return Err(DecodeError::Schema);
        }
        let mut input = In(&content[HEAD_BYTES..]);
        // What carries the right sum was written by us, so a fault past here is a state of a broken writer.
        let state = input.state(views).ok_or(DecodeError::Damaged)?;
        if input.0.is_empty() {
            Ok(state)
        } else {
            Err(DecodeError::Damaged)
        }
    }
}

fn put_seen(out: &mut Vec<u8>, seen: &Seen, newest: i64) {
    put_i64(out, newest);
    put_u64(out, seen.times.len() as u64);
    let mut last = 0;
    for (ts, id) in seen.times.iter().zip(&seen.ids) {
        put_i64(out, ts.wrapping_sub(last));
        out.extend_from_slice(&id.to_le_bytes());
        last = *ts;
    }
}

fn put_series(out: &mut Vec<u8>, series: &Series) {
    put_u64(out, series.cells.len() as u64);
    let mut last = 0;
    for cell in &series.cells {
        put_i64(out, cell.index.wrapping_sub(last));
        put_u64(out, cell.count);
        put_i128(out, cell.sum);
        last = cell.index;
    }
    put_u64(out, series.recent.len() as u64);
    last = 0;
    for (ts, value) in &series.recent {
        put_i64(out, ts.wrapping_sub(last));
        put_i64(out, *value);
        last = *ts;
    }
}

fn put_newest(out: &mut Vec<u8>, newest: &Newest) {
    put_u64(out, newest.entries.len() as u64);
    for entry in &newest.entries {
        put_i64(out, entry.ts);
        put_text(out, &entry.id);
        match &entry.value {
            Value::Null => out.push(0),
            Value::Bool(flag) => out.push(1 + u8::from(*flag)),
            Value::Number(number) => {
                out.push(3);
                out.extend_from_slice(&number.to_bits().to_le_bytes());
            }
            Value::Text(text) => {
                out.push(4);
                put_text(out, text);
            }
        }
    }
}

fn put_distinct(out: &mut Vec<u8>, distinct: &Distinct) {
    put_u64(out, distinct.folded.len() as u64);
    for (hash, cell) in &distinct.folded {
        out.extend_from_slice(&hash.to_le_bytes());
        put_i64(out, *cell);
    }
    put_u64(out, distinct.recent.len() as u64);
    for (ts, hash) in &distinct.recent {
        put_i64(out, *ts);
        out.extend_from_slice(&hash.to_le_bytes());
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_u64(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn put_u64(out: &mut Vec<u8>, value: u64) {
    put_u128(out, u128::from(value));
}

fn put_u128(out: &mut Vec<u8>, mut value: u128) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Zigzag: small magnitudes of either sign stay short.
fn put_i64(out: &mut Vec<u8>, value: i64) {
    put_u64(out, ((value << 1) ^ (value >> 63)) as u64);
}

fn put_i128(out: &mut Vec<u8>, value: i128) {
    put_u128(out, ((value << 1) ^ (value >> 127)) as u128);
}

/// What is left to read.
struct In<'a>(&'a [u8]);

impl In<'_> {
    fn state(&mut self, views: &ViewSet) -> Option<UnitState> {
        let newest = self.i64()?;
        let seen = self.seen()?;
        let mut states = Vec::with_capacity(views.len());
        for plan in &views.plans {
            states.push(match ViewState::new(plan.reading.aggregate) {
                ViewState::Series(_) => ViewState::Series(self.series()?),
                ViewState::Newest(_) => ViewState::Newest(self.newest()?),
                ViewState::Distinct(_) => ViewState::Distinct(self.distinct()?),
            });
        }
        let horizon = if newest == i64::MIN {
            i64::MIN
        } else {
            horizon_of(views, newest, &seen)
        };
        Some(UnitState {
            newest,
            horizon,
            seen,
            views: states,
        })
    }

    fn seen(&mut self) -> Option<Seen> {
        let count = self.count()?;
        let mut seen = Seen {
            times: Vec::with_capacity(count),
            ids: Vec::with_capacity(count),
        };
        let mut last = 0i64;
        for _ in 0..count {
            last = last.wrapping_add(self.i64()?);
            seen.times.push(last);
            seen.ids.push(self.word()?);
        }
        Some(seen)
    }

    fn series(&mut self) -> Option<Series> {
        let count = self.count()?;
        let mut series = Series {
            cells: Vec::with_capacity(count),
            recent: Vec::new(),
        };
        let mut last = 0i64;
        for _ in 0..count {
            last = last.wrapping_add(self.i64()?);
            series.cells.push(Cell {
                index: last,
                count: self.u64()?,
                sum: self.i128()?,
            });
        }
        let count = self.count()?;
        series.recent.reserve_exact(count);
        last = 0;
        for _ in 0..count {
            last = last.wrapping_add(self.i64()?);
            series.recent.push((last, self.i64()?));
        }
        Some(series)
    }

    fn newest(&mut self) -> Option<Newest> {
        let count = self.count()?;
        let mut entries = Vec::with_capacity(count);
        for _ in 0..count {
            let ts = self.i64()?;
            let id = self.text()?.into();
            let value = match self.take::<1>()?[0] {
                0 => Value::Null,
                1 => Value::Bool(false),
                2 => Value::Bool(true),
                3 => Value::Number(f64::from_bits(self.word()?)),
                4 => Value::Text(self.text()?.to_owned()),
                _ => return None,
            };
            entries.push(Entry { ts, id, value });
        }
        Some(Newest { entries })
    }

    fn distinct(&mut self) -> Option<Distinct> {
        let count = self.count()?;
        let mut distinct = Distinct {
            folded: Vec::with_capacity(count),
            recent: Vec::new(),
        };
        for _ in 0..count {
            distinct.folded.push((self.word()?, self.i64()?));
        }
        let count = self.count()?;
        distinct.recent.reserve_exact(count);
        for _ in 0..count {
            distinct.recent.push((self.i64()?, self.word()?));
        }
        Some(distinct)
    }

    /// A number of items, each of which takes at least two bytes: so memory is bounded by the bytes given.
    fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(self.u64()?).ok()?;
        (count <= self.0.len() / 2).then_some(count)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn word(&mut self) -> Option<u64> {
        self.take::<8>().map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Option<&str> {
        let length = usize::try_from(self.u64()?).ok()?;
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(head).ok()
    }

    fn u64(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take::<1>()?[0];
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn u128(&mut self) -> Option<u128> {
        let mut value = 0u128;
        for shift in (0..128).step_by(7) {
            let byte = self.take::<1>()?[0];
            value |= u128::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn i64(&mut self) -> Option<i64> {
        let value = self.u64()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn i128(&mut self) -> Option<i128> {
        let value = self.u128()?;
        Some((value >> 1) as i128 ^ -((value & 1) as i128))
    }
}
