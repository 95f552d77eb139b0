-- What people did to alerts: acknowledged, silenced, ended a silence. Never changed.
-- Written by `precopy alerts`, in process or through the API of an instance. Read by the alerter, which looks every second, and by `precopy alerts`.
CREATE TABLE IF NOT EXISTS alert_actions
(
    cluster LowCardinality(String) COMMENT 'whose alerts; empty: those of all clusters',
    id String COMMENT 'of the action' CODEC(ZSTD(1)),
    at DateTime64(3, 'UTC') COMMENT 'when it was done' CODEC(Delta, ZSTD(1)),
    kind LowCardinality(String) COMMENT 'acknowledge, silence, expire',
    by LowCardinality(String) COMMENT 'who did it',
    until DateTime64(3, 'UTC') COMMENT 'when it no longer counts; of what has no end, when it was done' CODEC(Delta, ZSTD(1)),
    document String COMMENT 'the action as JSON' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (cluster, at, id)
TTL toDateTime(until) + INTERVAL {days} DAY
COMMENT 'what people did to alerts'
