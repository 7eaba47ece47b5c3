-- Old days are compressed a week after their chunk was made and dropped after 25 months, which leaves two years to compare
-- with; the lake keeps decisions for as long as it is told to. Both count from when a chunk was made, not from the decision
-- instants in it: those of a simulated world lie anywhere. Change either with `add_retention_policy` and its kin.
--
-- Only TimescaleDB's community edition has these; the Apache one keeps every day as it is.
do $$
begin
    if exists (select from pg_extension where extname = 'timescaledb') then
        alter table causal_decisions set (
            timescaledb.compress,
            timescaledb.compress_segmentby = 'problem',
            timescaledb.compress_orderby = 'decided_at, decision_id'
        );
        perform add_compression_policy('causal_decisions', compress_created_before => interval '7 days');
        perform add_retention_policy('causal_decisions', drop_created_before => interval '25 months');
    end if;
exception when feature_not_supported then
    raise notice 'this edition of TimescaleDB has no compression and retention policies';
end
$$;
