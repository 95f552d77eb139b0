-- Weekly reports as they were made. Written by `precopy report` and by the schedule of an instance; made again, the newest counts.
-- Read by `precopy report --list`. A report compares with migrations of the weeks before, not with their reports: those may be of less.
CREATE TABLE IF NOT EXISTS reports
(
    cluster LowCardinality(String) COMMENT 'CloudStack cluster; empty: of all clusters',
    week LowCardinality(String) COMMENT 'ISO week: 2026-W47',
    zone LowCardinality(String) COMMENT 'IANA zone in which the week begins on Monday at 00:00',
    from_at DateTime64(3, 'UTC') COMMENT 'when the week begins' CODEC(Delta, ZSTD(1)),
    made_at DateTime64(3, 'UTC') COMMENT 'when the report was made' CODEC(Delta, ZSTD(1)),
    verdict String COMMENT 'the week in a sentence' CODEC(ZSTD(1)),
    document String COMMENT 'the report as JSON, precopy/report@1' CODEC(ZSTD(1)),
    version UInt64 COMMENT 'of this row; the highest counts' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (cluster, week, zone)
TTL toDateTime(from_at) + INTERVAL {days} DAY
COMMENT 'weekly reports'
