-- What records mean, exactly: enough to build the same timeline again.
-- Written by the writer; read by the processor when it starts or a late record comes (`eventsBetween`), and by `vmTimeline`,
-- `heartbeats`, `cpuFailures`.
-- ORDER BY serves eventsBetween: one cluster's events in the order in which timelines fold them. It is also the identity: an event
-- is the n-th of the record at that offset of that file, and a record's time is part of the record.
-- by_vm holds the same rows once more, by VM: a VM's events are few and lie everywhere in the other order, so that reading them took
-- time with all there is. It serves vmTimeline, which reads without FINAL and drops repetitions itself.
-- Granules are small: of a VM's few events in each part, at least one granule is read.
CREATE TABLE IF NOT EXISTS events
(
    cluster LowCardinality(String) COMMENT 'CloudStack cluster of the host',
    host LowCardinality(String) COMMENT 'the machine that wrote the record',
    source LowCardinality(String) COMMENT 'the program, by what it prints',
    path LowCardinality(String) COMMENT 'of the file as it was first seen; evidence quotes it',
    file_id LowCardinality(String) COMMENT 'the file, whatever it is renamed to; with offset the same as in lines',
    offset UInt64 COMMENT 'bytes of the file before the record' CODEC(Delta, ZSTD(1)),
    n UInt16 COMMENT 'which event of its record, from 0' CODEC(ZSTD(1)),
    line UInt64 COMMENT 'number of the record''s first line, from 1' CODEC(Delta, ZSTD(1)),
    at DateTime64(3, 'UTC') COMMENT 'when the record says, not corrected for the skew of its host: the timeline does that' CODEC(Delta, ZSTD(1)),
    kind LowCardinality(String) COMMENT 'what it means: migrate-requested, job-sample, heartbeat-probe …',
    vm LowCardinality(String) COMMENT 'the VM that the record or its file is about; empty where neither says',
    file_vm LowCardinality(String) COMMENT 'the VM that the whole file is about; empty where it is about many',
    text String COMMENT 'the record, cut at 1,000 characters: evidence that outlives the line' CODEC(ZSTD(1)),
    message_at UInt16 COMMENT 'where in text the message begins, in UTF-16 units' CODEC(ZSTD(1)),
    written String COMMENT 'the time as the file has it' CODEC(ZSTD(1)),
    body String COMMENT 'the event as JSON, its fields as docs/events.md has them' CODEC(ZSTD(1)),
    INDEX kinds kind TYPE set(50) GRANULARITY 1,
    PROJECTION by_vm (SELECT * ORDER BY (cluster, vm, at))
)
ENGINE = ReplacingMergeTree
PARTITION BY toMonday(at)
ORDER BY (cluster, at, host, file_id, offset, n)
TTL toDateTime(at) + INTERVAL {days} DAY
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1, deduplicate_merge_projection_mode = 'rebuild'
COMMENT 'what records mean'
