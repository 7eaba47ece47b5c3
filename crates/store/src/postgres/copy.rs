//! Rows in the binary form of `COPY`: what the server reads fastest, and no text has to be escaped.

use sqlx::PgConnection;

use crate::logged::Logged;
use crate::postgres::instant::Instant;

const STATEMENT: &str = "copy causal_decisions (decision_id, decided_at, problem, unit, shard, model_version, \
     policy_digest, recommended_treatment, propensity, expected_outcome, reason, degraded, latency_us, record) \
     from stdin (format binary)";
const COLUMNS: i16 = 14;
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: i16 = -1;

/// Bytes sent at once: enough to keep the server busy, and all the memory that copying takes.
const CHUNK_BYTES: usize = 256 << 10;

/// Copies the rows.
pub(super) async fn copy(connection: &mut PgConnection, rows: &[&Logged]) -> Result<(), sqlx::Error> {
    let mut copying = connection.copy_in_raw(STATEMENT).await?;
    let mut chunk = Vec::with_capacity(CHUNK_BYTES + (64 << 10));
    chunk.extend_from_slice(HEADER);
    for row in rows {
        put_row(&mut chunk, row);
        if chunk.len() >= CHUNK_BYTES {
            copying.send(chunk.as_slice()).await?;
            chunk.clear();
        }
    }
    chunk.extend_from_slice(&TRAILER.to_be_bytes());
    copying.send(chunk.as_slice()).await?;
    copying.finish().await?;
    Ok(())
}

fn put_row(out: &mut Vec<u8>, logged: &Logged) {
    let record = logged.record();
    let decision = &record.decision;
    out.extend_from_slice(&COLUMNS.to_be_bytes());
    put(out, record.decision_id.as_bytes());
    put(out, &Instant(record.decided_at).to_binary());
    put(out, record.problem.as_bytes());
    put(out, record.unit.key.to_hex().as_bytes());
    put(out, &i32::from(record.unit.shard).to_be_bytes());
    put_text(
        out,
        record.inputs.model.as_ref().map(|model| model.version.as_str()),
    );
    put(out, record.inputs.policy_digest.as_bytes());
    put_text(out, decision.recommended_treatment.as_deref());
    put(out, &decision.propensity.to_be_bytes());
    put(out, &decision.expected_outcome.to_be_bytes());
    put(out, decision.reason.as_bytes());
    put(out, &[u8::from(decision.degraded)]);
    put(
        out,
        &i64::try_from(record.latency_us).unwrap_or(i64::MAX).to_be_bytes(),
    );
    put(out, logged.text().as_bytes());
}

fn put_text(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => put(out, text.as_bytes()),
        None => out.extend_from_slice(&(-1i32).to_be_bytes()),
    }
}

/// A field: its length, then its bytes. A record has less than a mebibyte, the log's bound.
fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as i32).to_be_bytes());
    out.extend_from_slice(bytes);
}
