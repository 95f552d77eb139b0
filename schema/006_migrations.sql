-- One row a migration, its newest version; how it was at earlier versions is gone after a merge.
-- Written by the writer whenever a timeline changed; one that turned out to be part of another is written as deleted.
-- Read by `migrations`, `slowest`, `downtime`, by the pages, alerts and reports, always with FINAL.
-- Not partitioned: a migration's beginning may be found later, and the newest version must not hide in another partition.
CREATE TABLE IF NOT EXISTS migrations
(
    id String COMMENT 'the same in every run over the same logs' CODEC(ZSTD(1)),
    cluster LowCardinality(String) COMMENT 'CloudStack cluster; a migration never leaves it',
    vm LowCardinality(String) COMMENT 'the VM that moves',
    source LowCardinality(String) COMMENT 'the host that it leaves; empty where nothing tells',
    destination LowCardinality(String) COMMENT 'the host that it goes to; empty where nothing tells',
    started_at DateTime64(3, 'UTC') COMMENT 'corrected for clock skew' CODEC(Delta, ZSTD(1)),
    ended_at Nullable(DateTime64(3, 'UTC')) COMMENT 'null while it runs, or where nobody saw the end' CODEC(ZSTD(1)),
    last_seen_at DateTime64(3, 'UTC') COMMENT 'the last thing seen of it' CODEC(Delta, ZSTD(1)),
    outcome LowCardinality(String) COMMENT 'completed, failed, aborted, running, unknown',
    certainty LowCardinality(String) COMMENT 'of the outcome: seen, follows, unobserved',
    cause_kind LowCardinality(String) COMMENT 'why it did not complete; empty where it did, or nothing tells',
    cause_text String COMMENT 'the text that says so' CODEC(ZSTD(1)),
    iterations Nullable(UInt32) COMMENT 'passes of pre-copy' CODEC(ZSTD(1)),
    downtime_ms Nullable(Float64) COMMENT 'for how long the guest stood still; null where not known' CODEC(ZSTD(1)),
    downtime_from LowCardinality(String) COMMENT 'how that is known: statistics, events, at-least; empty where it is not',
    downtime_limit_ms Float64 COMMENT 'limit in force' CODEC(ZSTD(1)),
    announced LowCardinality(String) COMMENT 'whether the network learned where the VM is: yes, no, unobserved',
    throttle Nullable(Float64) COMMENT 'highest throttle of the guest, percent' CODEC(ZSTD(1)),
    postcopy_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when the guest began to run on the destination with memory still on the source' CODEC(ZSTD(1)),
    where_host LowCardinality(String) COMMENT 'the host where the VM runs or stands when the logs end; empty where nothing tells',
    where_state LowCardinality(String) COMMENT 'running, paused, unknown',
    unobserved Array(LowCardinality(String)) COMMENT 'what would have told more and was not there' CODEC(ZSTD(1)),
    document String COMMENT 'the migration as JSON, as in precopy/analysis@1' CODEC(ZSTD(1)),
    version UInt64 COMMENT 'of this row; the highest counts' CODEC(ZSTD(1)),
    deleted UInt8 COMMENT '1: there is no such migration any more' CODEC(ZSTD(1)),
    INDEX started started_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, deleted)
ORDER BY (cluster, id)
TTL toDateTime(last_seen_at) + INTERVAL {days} DAY
COMMENT 'every migration, its newest version'
