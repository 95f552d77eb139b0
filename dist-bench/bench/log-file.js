import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
const WRITE_CHARS = 1 << 22;
/** ASCII only, so that characters are bytes. */
export function createLogFile({ path, from, to, bytes, noise }) {
    mkdirSync(dirname(path), { recursive: true });
    const file = openSync(path, 'w');
    let pending = [];
    let written = { lines: 0, bytes: 0, added: 0 };
    let parts = [];
    let buffered = 0;
    let reached = from;
    let noiseChars = 250;
    function flush() {
        writeSync(file, parts.join(''), null, 'latin1');
        parts = [];
        buffered = 0;
    }
    function write(record, added) {
        const lines = linesOf(record);
        written = { lines: written.lines + lines, bytes: written.bytes + record.length, added: written.added + (added ? lines : 0) };
        parts.push(record);
        buffered += record.length;
        if (buffered > WRITE_CHARS)
            flush();
    }
    /** Everyday records that the time until then still lacks, evenly spread. */
    function fill(until, due) {
        if (noise === null)
            return [];
        const lack = (bytes * (until - from)) / (to - from) - written.bytes - due;
        const count = Math.max(0, Math.round(lack / noiseChars));
        const records = Array.from({ length: count }, (_, index) => {
            const at = Math.round(reached + ((index + 0.5) * (until - reached)) / count);
            return { at, record: noise(at), filled: true };
        });
        if (count > 0)
            noiseChars += (records.reduce((sum, { record }) => sum + record.length, 0) / count - noiseChars) / 50;
        return records;
    }
    return {
        add(at, record) {
            pending.push({ at, record });
        },
        advance(until) {
            const due = pending.filter(({ at }) => at < until);
            pending = pending.filter(({ at }) => at >= until);
            const filled = fill(until, due.reduce((sum, { record }) => sum + record.length, 0));
            for (const entry of [...due, ...filled].toSorted((a, b) => a.at - b.at))
                write(entry.record, !('filled' in entry));
            reached = until;
        },
        close() {
            for (const { record } of pending.toSorted((a, b) => a.at - b.at))
                write(record, true);
            flush();
            closeSync(file);
            return written;
        },
    };
}
function linesOf(record) {
    let lines = 0;
    for (let at = record.indexOf('\n'); at >= 0; at = record.indexOf('\n', at + 1))
        lines += 1;
    return lines;
}
