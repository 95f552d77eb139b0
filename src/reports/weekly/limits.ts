/** The downtime that a guest should not exceed, ms: what CloudStack operators promise, and where `downtime-exceeded` begins to advise. */
export const DOWNTIME_TARGET_MS = 100;

/** An attempt this long after the end of a failed one of the same VM is a retry of it, min. */
export const RETRY_MINUTES = 30;

/** For how many days back outcomes tell whether two hosts' CPUs agree. */
export const CPU_DAYS = 90;

/** A pair of hosts, or a host, is ranked by its bandwidth from so many measured migrations on. */
export const MIN_MEASURED = 3;

/** Fewer values than this have no such percentile: it would be one of the largest few, or the largest itself. */
export const MIN_FOR_PERCENTILE = { p50: 5, p95: 20, p99: 100 } as const;

/** Heat this near to a migration has to do with it, min: `host-overheated.nearMs` unless configured. */
export const HEAT_NEAR_MINUTES = 5;

/** More hosts than this make no matrix that can be read: only those of pairs that fail are shown then. */
export const MATRIX_HOSTS = 12;

/** The verdict is "good" down to this share of completed migrations, and "bad" below the other. */
export const SUCCESS = { good: 0.98, bad: 0.9 } as const;

/** A larger share of downtimes over the target is worth watching. */
export const OVER_TARGET_WATCH = 0.05;
