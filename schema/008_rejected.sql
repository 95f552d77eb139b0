-- Records that could not be read as their program's output, with the reason. Their lines are in lines too; this is the short list.
-- Written by the writer; read by `rejectedRates` and `rejectedRecords`.
CREATE TABLE IF NOT EXISTS rejected
(
    cluster LowCardinality(String) COMMENT 'CloudStack cluster of the host',
    host LowCardinality(String) COMMENT 'the machine that wrote the record',
    source LowCardinality(String) COMMENT 'the program whose output it should have been',
    path LowCardinality(String) COMMENT 'of the file as it was first seen',
    file_id LowCardinality(String) COMMENT 'the file, whatever it is renamed to',
    offset UInt64 COMMENT 'bytes of the file before the record' CODEC(Delta, ZSTD(1)),
    line UInt64 COMMENT 'number of its first line, from 1' CODEC(Delta, ZSTD(1)),
    reason LowCardinality(String) COMMENT 'no-header, too-long, bad-time, bad-json, bad-shape',
    at DateTime64(3, 'UTC') COMMENT 'its time, or that of the record before, or when it was read' CODEC(Delta, ZSTD(1)),
    observed_at DateTime64(3, 'UTC') COMMENT 'when the collector read it' CODEC(Delta, ZSTD(1)),
    text String COMMENT 'its first 1,000 characters' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toMonday(at)
ORDER BY (cluster, host, file_id, offset)
TTL toDateTime(at) + INTERVAL {days} DAY
SETTINGS ttl_only_drop_parts = 1
COMMENT 'records that could not be read'
