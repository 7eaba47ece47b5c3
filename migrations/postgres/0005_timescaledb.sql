-- Where TimescaleDB is installed the decisions are a hypertable: one chunk a day, so that a question about a week reads a
-- week, and old days are compressed or dropped whole. On plain PostgreSQL the table stays as it is.
--
-- The extension is created here only where this user may; an administrator may have created it before.
do $$
begin
    if exists (select from pg_available_extensions where name = 'timescaledb') then
        create extension if not exists timescaledb;
    end if;
exception when insufficient_privilege then
    raise notice 'TimescaleDB is installed but this user may not create it; the table stays a plain one';
end
$$;

do $$
begin
    if exists (select from pg_extension where extname = 'timescaledb') then
        -- Our index by time is there already.
        perform create_hypertable(
            'causal_decisions', 'decided_at',
            chunk_time_interval => interval '1 day', create_default_indexes => false, migrate_data => true
        );
    end if;
end
$$;
