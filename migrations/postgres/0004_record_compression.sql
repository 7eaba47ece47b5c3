-- Records are a few kilobytes of JSON, so each is compressed on its way in; lz4 does it in a fraction of the time that the
-- default takes. A server built without lz4 keeps the default.
do $$
begin
    alter table causal_decisions alter column record set compression lz4;
exception when feature_not_supported then
    raise notice 'this server has no lz4; records are compressed with its default';
end
$$;
