-- What arrived of each file, a row a chunk: where ranges do not meet, something is missing, and `coverage` says what and where.
-- Written by the writer with the lines of the chunk; read by `coverage`, `rejectedRates`, `lateness`.
-- ORDER BY serves coverage: ranges of one file in the order of the file. It is also the identity.
CREATE TABLE IF NOT EXISTS ranges
(
    cluster LowCardinality(String) COMMENT 'CloudStack cluster of the host',
    host LowCardinality(String) COMMENT 'the machine that wrote the file',
    source LowCardinality(String) COMMENT 'the program, by what it prints',
    path LowCardinality(String) COMMENT 'of the file as it was first seen',
    file_id LowCardinality(String) COMMENT 'the file, whatever it is renamed to',
    from_offset UInt64 COMMENT 'bytes of the file before the chunk' CODEC(Delta, ZSTD(1)),
    to_offset UInt64 COMMENT 'bytes of the file up to its end; the next chunk begins here' CODEC(Delta, ZSTD(1)),
    from_line UInt64 COMMENT 'line breaks before it' CODEC(Delta, ZSTD(1)),
    to_line UInt64 COMMENT 'line breaks up to its end' CODEC(Delta, ZSTD(1)),
    first_at Nullable(DateTime64(3, 'UTC')) COMMENT 'time of the first record that has one; null where none has' CODEC(ZSTD(1)),
    last_at Nullable(DateTime64(3, 'UTC')) COMMENT 'time of the last record that has one' CODEC(ZSTD(1)),
    observed_at DateTime64(3, 'UTC') COMMENT 'when the collector read it' CODEC(Delta, ZSTD(1)),
    records UInt32 COMMENT 'records in it: with_events, plain and rejected add up to it' CODEC(ZSTD(1)),
    with_events UInt32 COMMENT 'records that mean something for a migration' CODEC(ZSTD(1)),
    plain UInt32 COMMENT 'records that do not' CODEC(ZSTD(1)),
    rejected UInt32 COMMENT 'records that could not be read' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(observed_at)
ORDER BY (cluster, host, file_id, from_offset)
TTL toDateTime(observed_at) + INTERVAL {days} DAY
SETTINGS ttl_only_drop_parts = 1
COMMENT 'what arrived of each file'
