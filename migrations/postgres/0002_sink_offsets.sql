-- The position up to which each topic partition was taken in. It moves by compare-and-set in the transaction that writes
-- the rows, so that a batch which comes again, or comes from a writer that was replaced, changes nothing.
create table sink_offsets (
    topic        text    not null,
    partition_id integer not null,
    next_offset  bigint  not null,
    primary key (topic, partition_id)
);

comment on table  sink_offsets is 'Where the tracker stands in each topic partition; moves with the rows.';
comment on column sink_offsets.topic is 'The topic.';
comment on column sink_offsets.partition_id is 'The partition.';
comment on column sink_offsets.next_offset is 'The offset to take next; everything before it is stored or set aside.';
