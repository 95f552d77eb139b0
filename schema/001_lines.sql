-- Every line of every file that was read, once, as its host wrote it.
-- Written by line_blocks_to_lines (003), which splits what the writer puts into line_blocks (002); nobody inserts here.
-- Read by `linesBetween`, `linesWithWords` and by operators' SQL.
-- ORDER BY is the identity of a line: a chunk that comes again replaces its lines. Lines of one file lie together, which is what
-- compresses them to a tenth, and times grow with offsets, so `at_range` finds a period in a file without a second order.
-- Blocks are compressed in quarters of a MiB at least: offsets and times take a byte a line less than in the usual 64 KiB.
-- Weeks are dropped whole when they are too old.
CREATE TABLE IF NOT EXISTS lines
(
    cluster LowCardinality(String) COMMENT 'CloudStack cluster of the host; with host, file_id and offset the identity',
    host LowCardinality(String) COMMENT 'the machine that wrote the file',
    source LowCardinality(String) COMMENT 'the program, by what it prints: cloudstack-agent, libvirt-qemu, journal …',
    path LowCardinality(String) COMMENT 'of the file as it was first seen; evidence quotes it',
    file_id LowCardinality(String) COMMENT 'the file, whatever it is renamed to',
    vm LowCardinality(String) COMMENT 'the VM that the whole file is about; empty where it is about many',
    offset UInt64 COMMENT 'bytes of the file before the line' CODEC(Delta, ZSTD(1)),
    line UInt64 COMMENT 'number of the line in its file, from 1' CODEC(DoubleDelta, ZSTD(1)),
    at DateTime64(3, 'UTC') COMMENT 'when its record says it was written; a line that continues a record has the time of that record' CODEC(Delta, ZSTD(1)),
    observed_at DateTime64(3, 'UTC') COMMENT 'when the collector read it, by the clock of the host; lateness is the difference' CODEC(Delta, ZSTD(1)),
    outcome LowCardinality(String) COMMENT 'what became of it: events, plain, continued (belongs to the record before), or why its record was rejected',
    text String COMMENT 'the line without its line break; bytes that are no UTF-8 are kept as they are' CODEC(ZSTD(1)),
    INDEX at_range at TYPE minmax GRANULARITY 1,
    INDEX words text TYPE tokenbf_v1(16384, 3, 0) GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toMonday(at)
ORDER BY (cluster, host, file_id, offset)
TTL toDateTime(at) + INTERVAL {days} DAY
SETTINGS ttl_only_drop_parts = 1, min_compress_block_size = 262144
COMMENT 'every line once, as its host wrote it'
