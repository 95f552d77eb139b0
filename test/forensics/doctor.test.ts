import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { diagnose } from '../../src/forensics/doctor.ts';
import type { Check } from '../../src/model/diagnosis.ts';
import { detectors } from '../../src/detectors/index.ts';
import { begins, booted, completes, tell } from '../../src/detectors/story.ts';
import type { CollectorReport } from '../../src/model/event.ts';
import { findingsOf } from '../../src/reports/analysis.ts';
import type { StoredEvent } from '../../src/store/rows.ts';
import { createWriter } from '../../src/store/writer.ts';
import type { Position } from '../../src/stream/stream.ts';
import { AT, readChunk, type ChunkPart } from '../store/read-chunk.ts';
import { STORES, type TemporaryStore } from '../store/temporary-store.ts';

const MINUTE = 60_000;
/** When the doctor comes. */
const NOW = AT + 60 * MINUTE;
/** Before the stories of detectors. */
const SINCE = 0;
const EMPTY: Position = { partition: 0, begin: 0, end: 0, committed: null, waitingSince: null };

type Chunk = ReturnType<typeof readChunk>;

function files(): readonly Chunk[] {
  const of = (cluster: string, [offset, line]: readonly [number, number], part: ChunkPart = {}): Chunk =>
    readChunk('one\ntwo\n', { ...part, in: { cluster, offset, line, ...part.in } });
  return [
    of('whole', [0, 0]),
    of('whole', [8, 2]),
    // 24 bytes, six lines: 3 to 8
    of('gap', [0, 0]),
    of('gap', [32, 8]),
    of('gap', [0, 0], { in: { fileId: 'f2', path: '/var/log/half.log' } }),
    // two bytes of a line
    of('gap', [10, 2], { in: { fileId: 'f2', path: '/var/log/half.log' } }),
    of('twice', [0, 0]),
    of('twice', [4, 1]),
    of('rejecting', [0, 0], { outcomes: ['bad-json', 'plain'] }),
    of('early', [0, 0], { firstAt: AT + 10 * MINUTE, lastAt: AT + 10 * MINUTE }),
  ];
}

/** Sensors every ten seconds for half an hour: of `alive` until now, of `dead` until ten minutes ago; those of `slow` every five minutes. */
function rhythms(): readonly Chunk[] {
  const every = (cluster: string, lastAt: number, stepMs: number): readonly Chunk[] =>
    Array.from({ length: 30 }, (_, n) =>
      readChunk('{}\n', {
        in: {
          cluster,
          source: 'sensors',
          path: 'sensors',
          fileId: 's',
          offset: n * 3,
          line: n,
          observedAt: lastAt - (29 - n) * stepMs,
        },
      }),
    );
  return [
    ...every('alive', NOW - 5000, 10_000),
    ...every('dead', NOW - 10 * MINUTE, 10_000),
    ...every('slow', NOW - 6 * MINUTE, 5 * MINUTE),
  ];
}

function words(): readonly StoredEvent[] {
  let offset = 0;
  const word = (cluster: string, at: number, body: Omit<CollectorReport, 'kind'>): StoredEvent => {
    offset += 10;
    const file = { host: 'kvm-a', source: 'collector', path: `collector:${body.collector}`, vm: null } as const;
    const origin = { file, line: offset, offset, text: 't', messageAt: 0, written: '' };
    return { cluster, fileId: 'c', n: 0, event: { body: { kind: 'collector-report', ...body }, at, origin } };
  };
  const running = (cluster: string, collector: string, at: number): readonly StoredEvent[] => [
    word(cluster, at - 10, { collector, state: 'starting', text: '' }),
    word(cluster, at, { collector, state: 'running', text: '' }),
  ];
  return [
    ...['alive', 'dead', 'slow'].flatMap((cluster) => [...running(cluster, 'sensors', AT), ...running(cluster, 'files', AT)]),
    ...running('deaf', 'arp:cloudbr0', AT),
    word('deaf', NOW - 5 * MINUTE, { collector: 'arp:cloudbr0', state: 'listening', text: '' }),
    ...running('hearing', 'arp:cloudbr0', AT),
    word('hearing', NOW - MINUTE, { collector: 'arp:cloudbr0', state: 'listening', text: '' }),
    // files say nothing while nothing happens
    ...running('quiet', 'files', NOW - 5 * 60 * MINUTE),
    word('lacking', AT, { collector: 'sensors', state: 'missing', text: 'there is no program sensors: install lm-sensors' }),
    // turned off: others of the host said something later
    word('changed', AT, { collector: 'virsh', state: 'stopped', text: '' }),
    ...running('changed', 'files', AT + 10 * MINUTE),
    word('ended', AT, { collector: 'files', state: 'stopped', text: '' }),
  ];
}

interface Asked {
  readonly positions?: readonly Position[];
  readonly letters?: readonly Position[];
}

describe.each(STORES)('the doctor asks a store: $name', ({ open }) => {
  let temporary: TemporaryStore;

  beforeAll(async () => {
    temporary = await open();
    const writer = createWriter(temporary.store);
    await writer.writeBatch({ chunks: [...files(), ...rhythms()], events: words() });
    const story = tell([
      ...booted(),
      ...[...begins(), ...completes(10, 60)].map((event) =>
        event.host === 'kvm-b' ? { ...event, seconds: event.seconds + 12 } : event,
      ),
    ]);
    const found = findingsOf(story, detectors).filter(({ detector }) => detector === 'clock-skew');
    await writer.writeTimelines({
      cluster: 'skewed',
      version: 1,
      writtenAt: AT,
      migrations: [],
      findings: found.map((finding) => ({ id: finding.id, finding, migration: null, foundAt: AT })),
      vanished: { migrations: [], findings: [] },
    });
  }, 60_000);
  afterAll(() => temporary.remove());

  async function checksOf(cluster: string, { positions = [EMPTY], letters = [EMPTY] }: Asked = {}): Promise<readonly Check[]> {
    const { at, since, checks } = await diagnose(
      {
        store: temporary.store,
        positions: () => Promise.resolve(positions),
        deadLetters: () => Promise.resolve(letters),
        now: () => NOW,
      },
      { cluster, since: SINCE },
    );
    expect([at, since]).toEqual([NOW, SINCE]);
    return checks;
  }

  async function check(cluster: string, name: string, asked: Asked = {}): Promise<Check | undefined> {
    return (await checksOf(cluster, asked)).find((one) => one.name === name);
  }

  describe('loss', { timeout: 30_000 }, () => {
    test('that every byte of a file arrived is proven with its range, lines and period', async () => {
      expect(await check('whole', 'loss')).toEqual({
        name: 'loss',
        state: 'ok',
        summary: '16 bytes of 1 file of 1 host: no gap, no overlap',
        details: [],
        parts: [
          'kvm-a /var/log/agent.log: bytes 0 to 16, lines 1 to 4, read 2026-11-23 10:00:00 to 2026-11-23 10:00:00: no gap, no overlap',
        ],
        hint: null,
      });
    });

    test('a gap is a failure that names the bytes and the lines', async () => {
      expect(await check('gap', 'loss')).toMatchObject({
        state: 'fail',
        summary: '32 bytes of 2 files of 1 host: 2 gaps, 26 bytes never arrived, no overlap',
        details: [
          'kvm-a /var/log/agent.log: bytes 8 to 32 never arrived (lines 3 to 8), before 2026-11-23 10:00:00',
          'kvm-a /var/log/half.log: bytes 8 to 10 never arrived (a part of a line), before 2026-11-23 10:00:00',
        ],
      });
    });

    test('what arrived twice is stored once, and said', async () => {
      expect(await check('twice', 'loss')).toMatchObject({
        state: 'ok',
        summary: '12 bytes of 1 file of 1 host: no gap, 4 bytes arrived twice and are stored once',
        details: ['kvm-a /var/log/agent.log: 4 bytes of bytes 0 to 12 arrived again; stored once'],
      });
    });

    test('nothing at all is no proof', async () => {
      expect(await check('nowhere', 'loss')).toMatchObject({ state: 'warn', summary: 'nothing was read in this time' });
    });

    test('a look that did not reach the end is no proof', async () => {
      const parts = {
        store: temporary.store,
        positions: () => Promise.resolve(null),
        deadLetters: () => Promise.resolve(null),
        now: () => NOW,
      };
      const { checks } = await diagnose(parts, { cluster: 'whole', limit: 1 });
      expect(checks[0]).toMatchObject({ name: 'loss', state: 'warn' });
      expect(checks.map(({ name }) => name)).not.toContain('lag');
    });
  });

  describe('collectors', { timeout: 30_000 }, () => {
    const states = async (cluster: string): Promise<readonly (readonly string[])[]> =>
      (await checksOf(cluster)).flatMap(({ name, state, summary }) =>
        name.endsWith(' of kvm-a') ? [[name, state, summary]] : [],
      );

    test('one that is heard of is well', async () => {
      expect(await states('alive')).toEqual([
        ['files of kvm-a', 'ok', 'running since 2026-11-23 10:00:00'],
        ['sensors of kvm-a', 'ok', 'running since 2026-11-23 10:00:00'],
      ]);
    });

    test('one that should speak every few seconds and does not is silent, and so is all of its host', async () => {
      const silent = 'silent: nothing for 10 min, although it never said that it stops';
      expect(await states('dead')).toEqual([
        ['files of kvm-a', 'warn', silent],
        ['sensors of kvm-a', 'warn', silent],
      ]);
    });

    test('one that speaks every five minutes is not silent after six', async () => {
      expect((await states('slow')).find(([name]) => name?.startsWith('sensors'))).toContain('ok');
    });

    test('an observer of the network is silent when it no longer says that it listens', async () => {
      expect(await states('deaf')).toMatchObject([
        ['arp:cloudbr0 of kvm-a', 'warn', expect.stringMatching(/^silent: nothing for 5 min/)],
      ]);
      expect(await states('hearing')).toMatchObject([['arp:cloudbr0 of kvm-a', 'ok', expect.any(String)]]);
    });

    test('files that say nothing for hours are quiet, not silent', async () => {
      expect(await states('quiet')).toMatchObject([['files of kvm-a', 'ok', expect.any(String)]]);
    });

    test('a program that is missing is named', async () => {
      expect(await states('lacking')).toEqual([
        ['sensors of kvm-a', 'warn', 'missing since 2026-11-23 10:00:00: there is no program sensors: install lm-sensors'],
      ]);
    });

    test('one that was turned off is left out; one that ended with its host is told', async () => {
      expect((await states('changed')).map(([name]) => name)).toEqual(['files of kvm-a']);
      expect(await states('ended')).toMatchObject([['files of kvm-a', 'warn', 'stopped since 2026-11-23 10:00:00']]);
    });
  });

  describe('the rest', { timeout: 30_000 }, () => {
    test('records that could not be read are counted per host and program', async () => {
      expect(await check('rejecting', 'records')).toMatchObject({
        state: 'warn',
        summary: '2 read: 50 % could not be read, 50 % mean nothing for a migration',
        details: ['kvm-a cloudstack-agent: 50 % of 2 records rejected'],
        parts: ['kvm-a cloudstack-agent: 2 records, 50 % rejected, 50 % mean nothing for a migration'],
      });
      expect(await check('whole', 'records')).toMatchObject({ state: 'ok', hint: null });
    });

    test('times from the future and clocks that differ are told', async () => {
      expect(await check('early', 'clocks')).toMatchObject({
        state: 'warn',
        summary: '1 program writes times that have not come yet',
        details: ['kvm-a cloudstack-agent: records from 10 min in the future'],
      });
      const skewed = await check('skewed', 'clocks');
      expect(skewed).toMatchObject({ state: 'warn', summary: "the clock of 1 host differs from the others'" });
      expect(skewed?.details).toEqual([expect.stringMatching(/^The clock of kvm-b is about 12\.1 s ahead of that of kvm-a\.$/)]);
      expect(await check('whole', 'clocks')).toMatchObject({ state: 'ok', hint: null });
    });

    test('chunks that wait are counted; long waits and dead letters are told', async () => {
      const waiting = { ...EMPTY, begin: 2, end: 9, committed: 4, waitingSince: NOW - 1000 };
      expect(await check('whole', 'lag', { positions: [waiting] })).toMatchObject({
        state: 'ok',
        summary: '5 chunks wait, the oldest for 1 s',
      });
      expect(await check('whole', 'lag', { positions: [{ ...waiting, waitingSince: NOW - MINUTE }] })).toMatchObject({
        state: 'warn',
      });
      // dropped by retention before the group committed
      expect(await check('whole', 'lag', { positions: [{ ...waiting, begin: 8 }] })).toMatchObject({
        summary: '1 chunk wait, the oldest for 1 s',
      });
      expect(await check('whole', 'dead letters')).toMatchObject({ state: 'ok' });
      expect(await check('whole', 'dead letters', { letters: [{ ...EMPTY, begin: 1, end: 3 }] })).toMatchObject({
        state: 'warn',
        summary: '2 chunks could not be read as a whole, and are kept',
      });
    });
  });
});
