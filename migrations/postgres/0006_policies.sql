-- Old days are compressed a week after their chunk was made and dropped after 25 months, which leaves two years to compare
-- with; the lake keeps decisions for as long as it is told to. Both count from when a chunk was made, not from the decision
-- instants in it: those of a simulated world lie anywhere.
--
-- Dropping is a job of our own: the built-in policy by creation time fails on a table with a time dimension in releases as
-- late as 2.23. To keep more or less: select alter_job(job_id, config => '{"keep": "5 years"}') from
-- timescaledb_information.jobs where proc_name = 'drop_old_decisions'.
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

        execute $job$
            create procedure drop_old_decisions(job_id integer, config jsonb) language plpgsql as $body$
            begin
                perform drop_chunks(
                    'causal_decisions', created_before => now() - (config ->> 'keep')::interval
                );
            end
            $body$
        $job$;
        comment on procedure drop_old_decisions is 'Drops the days of causal_decisions whose chunk is older than "keep".';
        perform add_job('drop_old_decisions', interval '1 day', config => '{"keep": "25 months"}');
    end if;
exception when feature_not_supported then
    raise notice 'this edition of TimescaleDB has no compression and retention policies';
end
$$;
