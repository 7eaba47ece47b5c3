-- Every decision, once. The columns are those people filter and group by; the record is what replay reads, so it is kept
-- as the text it came in. `record::json` answers to `->` when a question needs more than the columns; a jsonb column would
-- sort keys, rewrite numbers and refuse some strings, and a json one reads each record again as it is written.
--
-- The instant is part of the key because a hypertable is partitioned by it. Ids compare by bytes, as everywhere else.
create table causal_decisions (
    decision_id            text collate "C" not null,
    decided_at             timestamptz      not null,
    problem                text             not null,
    unit                   text             not null,
    shard                  integer          not null,
    model_version          text,
    policy_digest          text             not null,
    recommended_treatment  text,
    propensity             double precision not null,
    expected_outcome       double precision not null,
    reason                 text             not null,
    degraded               boolean          not null,
    latency_us             bigint           not null,
    record                 text             not null,
    primary key (decision_id, decided_at)
);

create index causal_decisions_by_time on causal_decisions (decided_at, decision_id);

comment on table  causal_decisions is 'Every decision that was answered, once.';
comment on column causal_decisions.decision_id is 'The id the reply carried: a UUIDv7, or derived from the Idempotency-Key.';
comment on column causal_decisions.decided_at is 'The decision instant.';
comment on column causal_decisions.problem is 'Name of the decision problem.';
comment on column causal_decisions.unit is 'Keyed HMAC of the user id, 32 hexadecimal digits.';
comment on column causal_decisions.shard is 'murmur2(user_id) mod 4096, from which every bucket follows.';
comment on column causal_decisions.model_version is 'The model that served; null: none, the fallback rules decided.';
comment on column causal_decisions.policy_digest is 'Digest of the policy in force.';
comment on column causal_decisions.recommended_treatment is 'The arm given; null: no treatment.';
comment on column causal_decisions.propensity is 'Probability with which the policy would have given this arm here.';
comment on column causal_decisions.expected_outcome is 'The arm''s effect on the primary outcome; 0 where none is given or known.';
comment on column causal_decisions.reason is 'Why this arm, a stable code.';
comment on column causal_decisions.degraded is 'True where the decision rests on less than it should; the record says on what.';
comment on column causal_decisions.latency_us is 'From the request read to the decision made, in microseconds.';
comment on column causal_decisions.record is 'The decision record, byte for byte as it was logged: all that replay needs. Cast to json to look inside.';
