import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMasker } from '../src/ingest/mask.ts';
import { writeAgentLog } from './generate.ts';
import { median } from './measure.ts';

const BYTES = 20e6;
const CHUNK_BYTES = 256 * 1024;
const ROUNDS = 5;

/** Masks an agent's log chunk by chunk: as it is, and with a command that holds secrets in one line of a hundred, and in every line. */
function main(): void {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-bench-'));
  try {
    const path = join(folder, 'agent.log');
    writeAgentLog(path, BYTES);
    const clean = readFileSync(path);
    const command = ' { "com.cloud.agent.api.StartCommand": {"vm":{"id":7,"vncPassword":"Xk3_9pQ","passwordEnabled":true}} }';
    const lines = clean.toString('latin1').split('\n');
    const every = (nth: number): Buffer =>
      Buffer.from(lines.map((line, at) => (at % nth === 0 ? line + command : line)).join('\n'), 'latin1');
    for (const [what, bytes] of [
      ['no secret', clean],
      ['secrets in one line of 100', every(100)],
      ['secrets in every line', every(1)],
    ] as const) {
      process.stdout.write(`mask, ${what}: ${median(rates(bytes)).toFixed(0)} MB per CPU second, median of ${ROUNDS}\n`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** MB per second of CPU of each round: other work on the machine does not count. */
function rates(bytes: Buffer): readonly number[] {
  const mask = createMasker();
  return Array.from({ length: ROUNDS }, () => {
    const began = process.cpuUsage();
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) mask(bytes.subarray(at, at + CHUNK_BYTES));
    const { user, system } = process.cpuUsage(began);
    return bytes.length / (user + system);
  });
}

main();
