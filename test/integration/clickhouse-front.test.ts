import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openServerStore } from '../../src/store/server.ts';
import { chunksOf, collectedFiles } from '../pipeline/chunks.ts';
import { openInstance, type Instance } from '../pipeline/instance.ts';
import { analysedOf, storedOf } from '../pipeline/told.ts';
import type { Fault } from '../store/front-faults.ts';
import { exception, openHttpFront, type HttpFront } from '../store/http-front.ts';
import { FRONT_USER } from '../store/temporary-store.ts';

/** All that may pass. */
const FAULTS: readonly Fault[] = [
  'refuse-503',
  'page-502',
  'reset-in-request',
  'reset-after',
  'hang',
  'hang-after',
  'hang-in-answer',
  'half',
  'half-500',
  'exception-in-answer',
  { status: 500, code: 202, text: exception(202, 'Too many simultaneous queries', 'TOO_MANY_SIMULTANEOUS_QUERIES') },
  { status: 500, code: 241, text: exception(241, 'Memory limit exceeded', 'MEMORY_LIMIT_EXCEEDED') },
  { status: 500, code: 242, text: exception(242, 'Table is in readonly mode', 'TABLE_IS_READ_ONLY') },
  { status: 500, code: 999, text: exception(999, 'Session expired', 'KEEPER_EXCEPTION') },
];

/** One request in so many fails. */
const ONE_IN = 3;
/** Timelines are told between them. */
const PARTS = 4;

let front: HttpFront;
let instance: Instance;
const failed: unknown[] = [];

beforeAll(async () => {
  front = await openHttpFront();
  instance = await openInstance(() =>
    // so little patience that errors reach the processor as well
    openServerStore({ url: front.url, ...FRONT_USER, timeoutMs: 700, retryMs: 200 }),
  );
}, 60_000);
afterAll(async () => {
  front.fail(null);
  await instance.remove();
  await front.remove();
});

/** Numbers from 0 to 1, the same ones in each run (mulberry32). */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe.each([
  ['libvirt-9.0/cpu-incompatible', 1],
  ['libvirt-9.0/two-at-once', 2],
])('%s, a server that fails and hangs at random (%i)', (name, seed) => {
  test('nothing is lost, nothing doubled, and migrations and findings are those of analyze', async () => {
    const cluster = `failing ${name}`;
    const files = await collectedFiles(`recordings/${name}`, { cluster });
    const chunks = files.flatMap((file) => chunksOf(file, () => 3000));
    const random = chance(seed);
    let count = 0;
    front.fail(() => {
      if (random() > 1 / ONE_IN) return null;
      count += 1;
      return FAULTS[count % FAULTS.length] ?? null;
    });
    const processor = instance.processor({ failed: (error) => void failed.push(error) });
    await startedAtLast(() => processor.start());
    const part = Math.ceil(chunks.length / PARTS);
    for (let n = 0; n < PARTS; n += 1) {
      // the second part comes while nothing listens
      if (n === 1) await front.halt();
      await instance.send(chunks.slice(n * part, (n + 1) * part));
      if (n === 1) await front.resume();
      await processor.idle();
    }
    await processor.stop();
    front.fail(null);

    expect(count).toBeGreaterThan(FAULTS.length);
    expect(await storedOf(instance.store, cluster)).toEqual(await analysedOf(`recordings/${name}`));
    const lines = files.map(({ bytes }) => bytes.toString('latin1').replace(/\n$/, '').split('\n').length);
    const [stored] = await instance.store.query(
      `SELECT count() AS lines, uniqExact(host, file_id, offset) AS different, sum(length(text) + 1) AS size
       FROM lines FINAL WHERE cluster = {cluster: String}`,
      { cluster },
    );
    const total = lines.reduce((sum, own) => sum + own, 0);
    const size = files.reduce((sum, { bytes }) => sum + bytes.length + (bytes.at(-1) === 10 ? 0 : 1), 0);
    expect(stored).toEqual({ lines: total, different: total, size });
  }, 180_000);
});

/** A process that cannot start is started again by its supervisor. */
async function startedAtLast(start: () => Promise<void>): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await start();
    } catch (error) {
      if (tries === 20) throw error;
      failed.push(error);
    }
  }
}
