-- Numbers over time, narrow, for charts. Every one is also in an event.
-- Written by the writer (`samplesOf`); read by `temperatures`, `heartbeats`, and the charts of the pages.
-- ORDER BY serves one chart: one metric of one host, VM and subject, in the order of time. It is also the identity.
CREATE TABLE IF NOT EXISTS samples
(
    cluster LowCardinality(String) COMMENT 'CloudStack cluster of the host',
    host LowCardinality(String) COMMENT 'the machine that measured',
    vm LowCardinality(String) COMMENT 'the VM it is about; empty where it is about the host',
    metric LowCardinality(String) COMMENT 'what is measured, its unit last: job.remainingBytes, temperature.celsius, heartbeat.latencyMs',
    subject LowCardinality(String) COMMENT 'which of several: the pool, chip/sensor; empty where there is one',
    at DateTime64(3, 'UTC') COMMENT 'when, by the clock of the host' CODEC(DoubleDelta, ZSTD(1)),
    value Float64 COMMENT 'in the unit that the metric names' CODEC(Gorilla, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toMonday(at)
ORDER BY (cluster, metric, host, vm, subject, at)
TTL toDateTime(at) + INTERVAL {days} DAY
SETTINGS ttl_only_drop_parts = 1
COMMENT 'numbers over time, for charts'
