-- Every attempt to tell somebody, one row each.
-- Written by the alerter after each attempt. Read by it when it begins (what was told but did not arrive), and by the question `notifications`.
CREATE TABLE IF NOT EXISTS notifications
(
    cluster LowCardinality(String) COMMENT 'CloudStack cluster',
    id String COMMENT 'of the notification: the same for every attempt and every notifier' CODEC(ZSTD(1)),
    notifier LowCardinality(String) COMMENT 'name in the configuration',
    attempt UInt32 COMMENT 'from 1; anew after a restart; 0: given up without one' CODEC(ZSTD(1)),
    at DateTime64(3, 'UTC') COMMENT 'when the attempt ended' CODEC(Delta, ZSTD(1)),
    kind LowCardinality(String) COMMENT 'firing, resolved, storm, storm-over, repeat, report, test',
    outcome LowCardinality(String) COMMENT 'sent; failed: tried again; dead: given up',
    status String COMMENT 'what the receiver answered, or what went wrong' CODEC(ZSTD(1)),
    took_ms Float64 COMMENT 'how long the attempt took' CODEC(ZSTD(1)),
    alerts Array(String) COMMENT 'ids of the alerts it tells of' CODEC(ZSTD(1)),
    summary String COMMENT 'what it says, in a sentence' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (cluster, id, notifier, at, attempt)
TTL toDateTime(at) + INTERVAL {days} DAY
COMMENT 'every attempt to tell somebody'
