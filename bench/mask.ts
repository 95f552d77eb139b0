import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMasker } from '../src/ingest/mask.ts';
import { writeAgentLog } from './generate.ts';
import { median } from './measure.ts';

const BYTES = 50e6;
const CHUNK_BYTES = 256 * 1024;
const ROUNDS = 7;

/** Masks an agent's log chunk by chunk: as it is, and with a command that holds secrets in one line of a hundred. */
function main(): void {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-bench-'));
  try {
    const path = join(folder, 'agent.log');
    writeAgentLog(path, BYTES);
    const clean = readFileSync(path);
    const command = ' { "com.cloud.agent.api.StartCommand": {"vm":{"id":7,"vncPassword":"Xk3_9pQ","passwordEnabled":true}} }';
    const lines = clean.toString('latin1').split('\n');
    const secret = Buffer.from(lines.map((line, at) => (at % 100 === 0 ? line + command : line)).join('\n'), 'latin1');
    for (const [what, bytes] of [
      ['no secret', clean],
      ['a secret in one line of 100', secret],
    ] as const) {
      process.stdout.write(`mask, ${what}: ${median(rates(bytes)).toFixed(0)} MB/s, median of ${ROUNDS}\n`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** MB/s of each round. */
function rates(bytes: Buffer): readonly number[] {
  const mask = createMasker();
  return Array.from({ length: ROUNDS }, () => {
    const began = performance.now();
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) mask(bytes.subarray(at, at + CHUNK_BYTES));
    return bytes.length / 1e3 / (performance.now() - began);
  });
}

main();
