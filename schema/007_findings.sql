-- What detectors concluded, the newest version of each.
-- Written by the writer with the timelines they are about; one that no longer holds is written as deleted.
-- Read by `findings`, the pages, alerts and reports, always with FINAL. Not partitioned, for the reason of migrations.
CREATE TABLE IF NOT EXISTS findings
(
    id String COMMENT 'hash of detector, subject and discriminator: the same in every run' CODEC(ZSTD(1)),
    cluster LowCardinality(String) COMMENT 'CloudStack cluster',
    detector LowCardinality(String) COMMENT 'names its runbook: docs/detectors/<detector>.md',
    severity LowCardinality(String) COMMENT 'info, warning, critical',
    confidence LowCardinality(String) COMMENT 'seen, follows, unobserved',
    title LowCardinality(String) COMMENT 'of the detector',
    summary String COMMENT 'one or two sentences with numbers and units' CODEC(ZSTD(1)),
    vm LowCardinality(String) COMMENT 'empty where it is about a host',
    host LowCardinality(String) COMMENT 'empty where it is about a migration only',
    migration_id String COMMENT 'the migration that it is about or told with; empty where there is none' CODEC(ZSTD(1)),
    from_at DateTime64(3, 'UTC') COMMENT 'when it began' CODEC(Delta, ZSTD(1)),
    to_at Nullable(DateTime64(3, 'UTC')) COMMENT 'null while it goes on' CODEC(ZSTD(1)),
    document String COMMENT 'the finding as JSON, with evidence and remedies, as in precopy/analysis@1' CODEC(ZSTD(1)),
    version UInt64 COMMENT 'of this row; the highest counts' CODEC(ZSTD(1)),
    deleted UInt8 COMMENT '1: it no longer holds' CODEC(ZSTD(1)),
    found_at DateTime64(3, 'UTC') COMMENT 'when this version was written, by the clock of the processor' CODEC(Delta, ZSTD(1)),
    INDEX begins from_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, deleted)
ORDER BY (cluster, id)
TTL toDateTime(from_at) + INTERVAL {days} DAY
COMMENT 'what detectors concluded'
