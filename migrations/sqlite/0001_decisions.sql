-- Every decision, once, and the log position up to which the topic was taken in: both move in one transaction, so a
-- redelivered batch cannot be stored twice.
create table causal_decisions (
    decision_id            text    not null primary key,
    decided_at_us          integer not null, -- microseconds since 1970-01-01T00:00:00Z
    problem                text    not null,
    unit                   text    not null, -- keyed HMAC of the user id, 32 hex digits
    shard                  integer not null, -- murmur2(user_id) mod 4096
    model_version          text,             -- null: no model, the fallback rules decided
    policy_digest          text    not null,
    recommended_treatment  text,             -- null: no treatment
    propensity             real    not null,
    expected_outcome       real    not null,
    reason                 text    not null,
    degraded               integer not null,
    latency_us             integer not null,
    record                 text    not null  -- the decision record as JSON: all that replay needs
) without rowid;

create index causal_decisions_by_time on causal_decisions (decided_at_us, decision_id);

create table sink_offsets (
    topic        text    not null,
    partition_id integer not null,
    next_offset  integer not null,
    primary key (topic, partition_id)
) without rowid;
