-- A request with an Idempotency-Key that is repeated after its reply was forgotten is decided again under the same id and
-- at another instant. The key of causal_decisions holds the instant and cannot see that, so such ids are claimed here
-- first, in the same transaction. Other ids are UUIDv7 and belong to one instant by themselves.
create table idempotent_decisions (
    decision_id text collate "C" not null primary key,
    decided_at  timestamptz      not null
);

comment on table  idempotent_decisions is 'Ids derived from an Idempotency-Key, each with the one decision that is stored under it.';
comment on column idempotent_decisions.decision_id is 'The id.';
comment on column idempotent_decisions.decided_at is 'The instant of the decision stored under it.';
