//! One batch into the database: the position by compare-and-set, ids that were stored before left out, the rest copied.

use std::collections::HashSet;

use ceteris_contract::time::Timestamp;
use sqlx::{Connection, PgConnection};

use crate::error::StoreError;
use crate::logged::Logged;
use crate::port::{Appended, Batch};
use crate::postgres::copy::copy;
use crate::postgres::fault::failed;
use crate::postgres::instant::Instant;

/// Writes the batch in one transaction.
pub(super) async fn append(
    connection: &mut PgConnection,
    place: &str,
    batch: &Batch,
) -> Result<Appended, StoreError> {
    let mut tx = connection
        .begin()
        .await
        .map_err(failed(place, "begin to write"))?;
    move_position(&mut tx, place, batch).await?;
    let inserted = insert(&mut tx, place, &batch.records).await?;
    tx.commit().await.map_err(failed(place, "commit"))?;
    Ok(Appended {
        inserted,
        repeated: batch.records.len() as u64 - inserted,
    })
}

/// Whether the database takes these records; what was tried is taken back.
pub(super) async fn takes(
    connection: &mut PgConnection,
    place: &str,
    records: &[Logged],
) -> Result<(), StoreError> {
    let mut tx = connection.begin().await.map_err(failed(place, "begin to try"))?;
    insert(&mut tx, place, records).await?;
    tx.rollback().await.map_err(failed(place, "take back"))
}

async fn insert(tx: &mut PgConnection, place: &str, records: &[Logged]) -> Result<u64, StoreError> {
    let rows = new_rows(tx, records).await.map_err(failed(place, "look for"))?;
    if !rows.is_empty() {
        copy(tx, &rows).await.map_err(failed(place, "copy"))?;
    }
    Ok(rows.len() as u64)
}

/// The next offset to take.
pub(super) async fn position(
    connection: &mut PgConnection,
    topic: &str,
    partition: u32,
) -> Result<u64, sqlx::Error> {
    let next: Option<i64> =
        sqlx::query_scalar("select next_offset from sink_offsets where topic = $1 and partition_id = $2")
            .bind(topic)
            .bind(i64::from(partition))
            .fetch_optional(connection)
            .await?;
    Ok(next.unwrap_or(0) as u64)
}

/// Moves the position by compare-and-set: the statement changes no row where the position is another. A writer that
/// comes second waits for the first one's end, then sees its position.
async fn move_position(tx: &mut PgConnection, place: &str, batch: &Batch) -> Result<(), StoreError> {
    let statement = match batch.expected_next {
        0 => {
            "insert into sink_offsets (topic, partition_id, next_offset) values ($1, $2, $3) \
             on conflict (topic, partition_id) do update set next_offset = excluded.next_offset \
             where sink_offsets.next_offset = $4"
        }
        _ => {
            "update sink_offsets set next_offset = $3 \
             where topic = $1 and partition_id = $2 and next_offset = $4"
        }
    };
    let done = sqlx::query(statement)
        .bind(&batch.topic)
        .bind(i64::from(batch.partition))
        .bind(batch.next as i64)
        .bind(batch.expected_next as i64)
        .execute(&mut *tx)
        .await
        .map_err(failed(place, "move the position of"))?;
    if done.rows_affected() == 1 {
        return Ok(());
    }
    let actual = position(tx, &batch.topic, batch.partition)
        .await
        .map_err(failed(place, "read the position of"))?;
    Err(StoreError::Moved {
        topic: batch.topic.clone(),
        partition: batch.partition,
        expected: batch.expected_next,
        actual,
    })
}

/// The records to insert: the first of each id in the batch, unless the id was stored before.
async fn new_rows<'a>(tx: &mut PgConnection, records: &'a [Logged]) -> Result<Vec<&'a Logged>, sqlx::Error> {
    let mut ids = HashSet::with_capacity(records.len());
    let mut rows: Vec<&'a Logged> = Vec::with_capacity(records.len());
    for logged in records {
        if ids.insert(logged.record().decision_id.as_str()) {
            rows.push(logged);
        }
    }
    let (timed, derived): (Vec<&Logged>, Vec<&Logged>) =
        rows.iter().partition(|logged| has_one_instant(logged));
    let stored = stored(tx, &timed).await?;
    let claimed = claim(tx, derived).await?;
    rows.retain(|logged| {
        let id = logged.record().decision_id.as_str();
        match has_one_instant(logged) {
            true => !stored.contains(id),
            false => claimed.contains(id),
        }
    });
    Ok(rows)
}

/// True for a UUIDv7: it is made fresh for one decision, so that it never comes with a second instant. Any other id is
/// derived from an Idempotency-Key and may.
fn has_one_instant(logged: &Logged) -> bool {
    let id = logged.record().decision_id.as_bytes();
    id.len() == 36 && id[14] == b'7' && [8, 13, 18, 23].into_iter().all(|at| id[at] == b'-')
}

/// Those of the ids that are stored already. The bounds spare the server the chunks of other days.
async fn stored(tx: &mut PgConnection, rows: &[&Logged]) -> Result<HashSet<String>, sqlx::Error> {
    let instants = || rows.iter().map(|logged| logged.record().decided_at);
    let (Some(first), Some(last)) = (instants().min(), instants().max()) else {
        return Ok(HashSet::new());
    };
    // `offset 0` keeps the lookup one by one through the key: joined as a whole, a plan made from old statistics might
    // read the table. For the same reason it is planned each time.
    let found: Vec<String> = sqlx::query_scalar(
        "select given.id from unnest($1::text[], $2::timestamptz[]) as given (id, at) where exists (\
         select from causal_decisions as d where d.decision_id = given.id and d.decided_at = given.at \
         and d.decided_at between $3 and $4 offset 0)",
    )
    .bind(ids(rows))
    .bind(
        rows.iter()
            .map(|logged| Instant(logged.record().decided_at))
            .collect::<Vec<_>>(),
    )
    .bind(Instant(first))
    .bind(Instant(last))
    .persistent(false)
    .fetch_all(tx)
    .await?;
    Ok(found.into_iter().collect())
}

/// Claims the ids and answers those that nobody had claimed. In order of id, so that two writers never wait for each
/// other.
async fn claim(tx: &mut PgConnection, mut rows: Vec<&Logged>) -> Result<HashSet<String>, sqlx::Error> {
    if rows.is_empty() {
        return Ok(HashSet::new());
    }
    rows.sort_by(|a, b| a.record().decision_id.cmp(&b.record().decision_id));
    let claimed: Vec<String> = sqlx::query_scalar(
        "insert into idempotent_decisions (decision_id, decided_at) \
         select * from unnest($1::text[], $2::timestamptz[]) on conflict (decision_id) do nothing \
         returning decision_id",
    )
    .bind(ids(&rows))
    .bind(
        rows.iter()
            .map(|logged| Instant(logged.record().decided_at))
            .collect::<Vec<_>>(),
    )
    .fetch_all(tx)
    .await?;
    Ok(claimed.into_iter().collect())
}

fn ids<'a>(rows: &[&'a Logged]) -> Vec<&'a str> {
    rows.iter()
        .map(|logged| logged.record().decision_id.as_str())
        .collect()
}

/// The key of a page: everything behind it.
pub(super) fn behind(after: Option<(Timestamp, String)>) -> (Instant, String) {
    // No instant of ours lies before 1970.
    let (at, id) = after.unwrap_or((Timestamp(-1), String::new()));
    (Instant(at), id)
}
