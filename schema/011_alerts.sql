-- What people have to know, the newest state of each alert: one row a detector and subject.
-- Written by the alerter, one insert a step, before anybody is told: what is told is in the row, so that it is told once, whoever goes on.
-- Read by the alerter when it begins (alerts that are not over), by `precopy alerts`, the question `alerts` and reports, always with FINAL.
CREATE TABLE IF NOT EXISTS alerts
(
    id String COMMENT 'hash of cluster, detector and subject' CODEC(ZSTD(1)),
    cluster LowCardinality(String) COMMENT 'CloudStack cluster',
    detector LowCardinality(String) COMMENT 'names its runbook: docs/detectors/<detector>.md',
    severity LowCardinality(String) COMMENT 'warning, critical',
    state LowCardinality(String) COMMENT 'pending, firing, resolved',
    vm LowCardinality(String) COMMENT 'empty where it is about a host',
    host LowCardinality(String) COMMENT 'empty where nothing tells',
    summary String COMMENT 'of its newest finding' CODEC(ZSTD(1)),
    since DateTime64(3, 'UTC') COMMENT 'when its first finding came' CODEC(Delta, ZSTD(1)),
    firing_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when it began to fire; null before' CODEC(ZSTD(1)),
    resolved_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when it was over; null before' CODEC(ZSTD(1)),
    findings UInt32 COMMENT 'how many findings say so' CODEC(ZSTD(1)),
    muted_because String COMMENT 'why nobody is told; empty where somebody is' CODEC(ZSTD(1)),
    acknowledged_by String COMMENT 'who takes care of it; empty where nobody does' CODEC(ZSTD(1)),
    notification String COMMENT 'what was told of it last; empty where nothing was' CODEC(ZSTD(1)),
    document String COMMENT 'the alert as JSON' CODEC(ZSTD(1)),
    settled UInt8 COMMENT '1: it is over, and who was told of it knows that' CODEC(ZSTD(1)),
    partition UInt32 COMMENT 'of the findings topic that its cluster is in: who has that goes on with it' CODEC(ZSTD(1)),
    version UInt64 COMMENT 'of this row; the highest counts' CODEC(ZSTD(1)),
    changed_at DateTime64(3, 'UTC') COMMENT 'when it was written, by the clock of the processor' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (cluster, id)
TTL toDateTime(changed_at) + INTERVAL {days} DAY
COMMENT 'what people have to know, the newest state'
