const PAGE = 4096;
const POLL_MS = 6000;
/** What a poller sees of it, every six seconds: a first pass over most of its time, then shorter ones. */
export function polls({ vm, at, tookMs, end }) {
    if (end === 'cpu-incompatible' || end === 'connection-refused')
        return [];
    const count = Math.floor(tookMs / POLL_MS) + 1;
    return Array.from({ length: count }, (_, index) => {
        const elapsedMs = 500 + index * POLL_MS;
        const done = Math.min(0.99, elapsedMs / tookMs);
        const pass = done < 0.7 ? 1 : 2 + Math.floor((done - 0.7) * 10);
        const remaining = pass === 1 ? 1 - done / 0.72 : (1 - done) / pass;
        return {
            at: at + elapsedMs,
            counters: {
                elapsedMs,
                totalBytes: vm.memoryBytes,
                remainingBytes: Math.floor((remaining * vm.memoryBytes) / PAGE) * PAGE,
                transferredBytes: Math.floor(done * vm.memoryBytes),
                pass,
                dirtyPages: pass === 1 ? 0 : 2168 + pass * 7,
            },
        };
    });
}
/** QEMU's answer to `query-migrate`. */
export function queryMigrate({ elapsedMs, totalBytes, remainingBytes, transferredBytes, pass, dirtyPages }) {
    return {
        'expected-downtime': 300,
        'xbzrle-cache': {
            'encoding-rate': 0,
            bytes: 0,
            'cache-size': 67_108_864,
            'cache-miss-rate': 0,
            pages: 0,
            overflow: 0,
            'cache-miss': 0,
        },
        status: 'active',
        'setup-time': 2,
        'total-time': elapsedMs,
        ram: {
            total: totalBytes,
            'postcopy-requests': 0,
            'dirty-sync-count': pass,
            'multifd-bytes': 0,
            'pages-per-second': 18_277,
            'page-size': PAGE,
            remaining: remainingBytes,
            mbps: 531.659406,
            transferred: transferredBytes,
            duplicate: 1193,
            'dirty-pages-rate': dirtyPages,
            skipped: 0,
            'normal-bytes': transferredBytes,
            normal: Math.floor(transferredBytes / PAGE),
        },
    };
}
/** What `virsh domjobinfo` prints of it. */
export function domjobinfo({ elapsedMs, totalBytes, remainingBytes, transferredBytes, pass, dirtyPages }) {
    const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(3)} MiB`;
    return `Job type:         Unbounded   \nOperation:        Outgoing migration\nTime elapsed:     ${elapsedMs}         ms\nData processed:   ${mib(transferredBytes)}\nData remaining:   ${mib(remainingBytes)}\nData total:       ${mib(totalBytes)}\nMemory processed: ${mib(transferredBytes)}\nMemory remaining: ${mib(remainingBytes)}\nMemory total:     ${mib(totalBytes)}\nMemory bandwidth: 63.379 MiB/s\nDirty rate:       ${dirtyPages}            pages/s\nPage size:        4096         bytes\nIteration:        ${pass}           \nPostcopy requests: 0           \nConstant pages:   1193        \nNormal pages:     ${Math.floor(transferredBytes / PAGE)}        \nNormal data:      ${mib(transferredBytes)}\nExpected downtime: 300          ms\nSetup time:       2            ms\nCompression cache: 64.000 MiB\nCompressed data:  0.000 B\nCompressed pages: 0            \nCompression cache misses: 0            \nCompression overflows: 0            \n\n`;
}
