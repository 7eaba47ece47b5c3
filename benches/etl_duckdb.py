"""Features and outcomes of a dataset's rows by DuckDB, for `ceteris bench etl --python`.

    etl_duckdb.py EVENTS.parquet ROWS.parquet THREADS REPEATS

EVENTS holds unit, t, event_type and properties (JSON text); ROWS is our dataset of the same events. Timed are reading the
events into typed tables, and the joins: sessions of 30 days and purchases of 365 days before each row, purchases of 7 days
after it. Windows are the problem file's: they begin at a whole day and end before t; outcomes count t < ts <= t + 7 d.
Prints one JSON document; seconds are the mean of the repeats.
"""

import json
import sys
import time

import duckdb

LOAD = """
create or replace table events as
select ('0x' || unit[1:16])::ubigint as unit,
       epoch_us(t) as ts,
       event_type,
       json_extract(properties, '$.duration_s')::double as duration,
       json_extract(properties, '$.amount')::double as amount
from read_parquet(?)
where event_type in ('session_ended', 'purchase');
create or replace table sessions as
select unit, ts, duration from events where event_type = 'session_ended';
create or replace table purchases as
select unit, ts, amount from events where event_type = 'purchase';
"""

ROWS = """
create table opportunities as
select row_number() over () as id,
       ('0x' || unit[1:16])::ubigint as unit,
       epoch_us(t) as t,
       epoch_us(t) - epoch_us(t) % 86400000000 as day,
       confounder_avg_session_duration, confounder_session_frequency, confounder_historical_spend,
       outcome_purchase_decision, outcome_purchase_amount
from read_parquet(?)
"""

JOIN = """
create or replace table features as
with visits as (
    select o.id, count(*) as frequency, avg(e.duration) as duration
    from opportunities o join sessions e
      on e.unit = o.unit and e.ts < o.t and e.ts >= o.day - 30 * 86400000000
    group by o.id
), spend as (
    select o.id, sum(e.amount) as amount
    from opportunities o join purchases e
      on e.unit = o.unit and e.ts < o.t and e.ts >= o.day - 365 * 86400000000
    group by o.id
), bought as (
    select o.id, sum(e.amount) as amount
    from opportunities o join purchases e
      on e.unit = o.unit and e.ts > o.t and e.ts <= o.t + 7 * 86400000000
    group by o.id
)
select o.id,
       coalesce(v.duration, 0) as confounder_avg_session_duration,
       coalesce(v.frequency, 0) as confounder_session_frequency,
       coalesce(s.amount, 0) as confounder_historical_spend,
       case when b.id is null then 0 else 1 end as outcome_purchase_decision,
       coalesce(b.amount, 0) as outcome_purchase_amount
from opportunities o
left join visits v using (id)
left join spend s using (id)
left join bought b using (id)
"""

COLUMNS = [
    "confounder_avg_session_duration",
    "confounder_session_frequency",
    "confounder_historical_spend",
    "outcome_purchase_decision",
    "outcome_purchase_amount",
]


def mean_seconds(repeats, work):
    """Seconds by the clock, and of the processor in all threads."""
    started, spent = time.perf_counter(), time.process_time()
    for _ in range(repeats):
        work()
    return (time.perf_counter() - started) / repeats, (time.process_time() - spent) / repeats


def load(connection, events):
    statements = [statement for statement in LOAD.split(";") if statement.strip()]
    connection.execute(statements[0], [events])
    for statement in statements[1:]:
        connection.execute(statement)


def main():
    events, rows, threads, repeats = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    connection = duckdb.connect(config={"threads": threads})
    connection.execute(ROWS, [rows])
    load_seconds, load_cpu = mean_seconds(repeats, lambda: load(connection, events))
    join_seconds, join_cpu = mean_seconds(repeats, lambda: connection.execute(JOIN))
    differences = ", ".join(f"max(abs(f.{name} - o.{name}))" for name in COLUMNS)
    found = connection.execute(
        f"select count(*), {differences} from features f join opportunities o using (id)"
    ).fetchone()
    print(
        json.dumps(
            {
                "duckdb": duckdb.__version__,
                "rows": found[0],
                "load_seconds": load_seconds,
                "join_seconds": join_seconds,
                "load_cpu_seconds": load_cpu,
                "join_cpu_seconds": join_cpu,
                "differences": dict(zip(COLUMNS, map(float, found[1:]))),
            }
        )
    )


main()
