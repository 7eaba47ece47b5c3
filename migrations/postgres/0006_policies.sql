-- Old days are compressed a week after their chunk was made: counted from there, not from the decision instants in it,
-- for those of a simulated world lie anywhere. The job that drops days after 25 months, two years to compare with and one
-- month more, is made but not scheduled: to delete is the operator's decision.
--
-- Dropping is a job of our own: the built-in policy by creation time fails on a table with a time dimension in releases as
-- late as 2.23. To switch it on: select alter_job(job_id, scheduled => true, config => '{"keep": "5 years"}') from
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
        perform add_job('drop_old_decisions', interval '1 day', config => '{"keep": "25 months"}', scheduled => false);
    end if;
exception when feature_not_supported then
    raise notice 'this edition of TimescaleDB has no compression and retention policies';
end
$$;
