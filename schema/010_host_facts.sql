-- What holds for a host for a while: versions, CPU features, settings, states of services. One row each time it was observed.
-- Written by the writer from events of the kind host-fact; read by `hostFacts`, `hostFactChanges`, `cpu`.
-- ORDER BY serves both: the newest of each name, and the changes of one. Not partitioned: the newest may be old.
CREATE TABLE IF NOT EXISTS host_facts
(
    cluster LowCardinality(String) COMMENT 'CloudStack cluster of the host',
    host LowCardinality(String) COMMENT 'the machine it holds for',
    name LowCardinality(String) COMMENT 'dotted: version.libvirt, cpu.model, mtu.cloudbr0',
    value LowCardinality(String) COMMENT 'empty where what the fact is about is gone',
    at DateTime64(3, 'UTC') COMMENT 'when it was observed' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (cluster, host, name, at)
TTL toDateTime(at) + INTERVAL {days} DAY
COMMENT 'what held for a host, and when'
