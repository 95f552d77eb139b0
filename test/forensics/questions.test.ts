import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detectors } from '../../src/detectors/index.ts';
import { begins, booted, completes, fails, tell, VM } from '../../src/detectors/story.ts';
import { findingsOf } from '../../src/reports/analysis.ts';
import { coverage, gapsOf, lateness, rejectedRates, rejectedRecords } from '../../src/forensics/coverage.ts';
import { findings } from '../../src/forensics/findings.ts';
import { cpu, heartbeats, hostFactChanges, hostFacts, temperatures } from '../../src/forensics/hosts.ts';
import { linesBetween, linesWithWords } from '../../src/forensics/lines.ts';
import { downtimePercentiles, migrationOf, migrations, slowestMigrations } from '../../src/forensics/migrations.ts';
import { vmTimeline } from '../../src/forensics/timeline.ts';
import type { EventBody } from '../../src/model/event.ts';
import type { StoredEvent } from '../../src/store/rows.ts';
import { createWriter } from '../../src/store/writer.ts';
import { AT, readChunk } from '../store/read-chunk.ts';
import { STORES, type TemporaryStore } from '../store/temporary-store.ts';

describe.each(STORES)('$name', ({ open }) => {
  let temporary: TemporaryStore;
  const CPU_ERROR =
    'unsupported configuration: guest and host CPU are not compatible: Host CPU does not provide required features: avx512f';
  const good = tell([...booted(), ...begins(), ...completes(20, 300)]);
  const bad = tell([...booted(), ...begins(), ...fails(5, CPU_ERROR)]);
  const NONE = { migrations: [], findings: [] };

  beforeAll(async () => {
    temporary = await open();
    const writer = createWriter(temporary.store);
    for (const [cluster, story] of Object.entries({ c1: good, c2: bad })) {
      const found = findingsOf(story, detectors);
      for (const version of [1, 2])
        await writer.writeTimelines({
          cluster,
          version,
          writtenAt: AT,
          migrations: story.migrations,
          findings: found.map((finding) => ({ id: finding.id, finding, migration: null, foundAt: AT })),
          vanished: NONE,
        });
    }
    await writer.writeBatch({ chunks: chunks(), events: events() });
    await writer.writeBatch({ chunks: chunks(), events: events() });
  }, 60_000);
  afterAll(() => temporary.remove());

  function chunks(): Parameters<ReturnType<typeof createWriter>['writeBatch']>[0]['chunks'] {
    return [
      readChunk('one for i-2-10-VM\ntwo\n', { in: { offset: 0 }, at: [AT, AT + 1] }),
      readChunk('three logid:0a1b2c3d\n', { in: { offset: 22, line: 2 }, at: [AT + 2] }),
      // 29 bytes and two lines are missing
      readChunk('bad\nlast i-2-100-VM\n', {
        in: { offset: 72, line: 5, observedAt: AT + 9000 },
        outcomes: ['bad-json', 'plain'],
      }),
      readChunk('last i-2-100-VM\n', { in: { offset: 76, line: 6, observedAt: AT + 9100 } }),
      readChunk('whole\n', { in: { fileId: 'f2', path: '/other', offset: 500, line: 20 }, firstAt: null, lastAt: null }),
    ];
  }

  function events(): readonly StoredEvent[] {
    let offset = 0;
    const of = (ms: number, body: EventBody): StoredEvent => {
      offset += 10;
      const file = { host: 'kvm-a', source: 'host-facts', path: '/p', vm: null } as const;
      return {
        cluster: 'c1',
        fileId: 'p',
        n: 0,
        event: { body, at: AT + ms, origin: { file, line: offset, offset, text: 't', messageAt: 0, written: '' } },
      };
    };
    const fact = (ms: number, value: string): StoredEvent => of(ms, { kind: 'host-fact', name: 'cpu.model', value });
    const probe = (ms: number, latencyMs: number): StoredEvent =>
      of(ms, { kind: 'heartbeat-probe', pool: 'p1', address: '10.0.0.1', latencyMs, pending: false, errorText: null });
    const heat = (ms: number, celsius: number): StoredEvent =>
      of(ms, { kind: 'temperature', chip: 'core', sensor: 'Core 0', celsius, highCelsius: null, critCelsius: 100, alarm: false });
    return [
      fact(0, 'EPYC'),
      fact(1, 'EPYC'),
      fact(2, 'Xeon'),
      fact(3, 'EPYC'),
      fact(4, 'EPYC'),
      probe(0, 10),
      probe(1, 900),
      probe(2, 20),
      heat(0, 50),
      heat(1, 80),
      heat(2, 60),
      of(5, { kind: 'migrate-progress', vm: VM, waitedMs: 1000 }),
      of(6, { kind: 'migrate-progress', vm: 'i-2-100-VM', waitedMs: 1000 }),
    ];
  }

  describe('migrations', { timeout: 30_000 }, () => {
    it('each is there once, with what its timeline says', async () => {
      const [first] = good.migrations;
      const found = await migrations(temporary.store, { cluster: 'c1' });
      expect(found).toHaveLength(1);
      expect(found[0]).toMatchObject({
        id: first?.id,
        vm: VM,
        source: 'kvm-a',
        destination: 'kvm-b',
        startedAt: first?.startedAt,
        endedAt: first?.endedAt,
        outcome: 'completed',
        cause: null,
        downtimeMs: 300,
        downtimeFrom: 'statistics',
        postcopyAt: null,
        whereHost: 'kvm-b',
        whereState: 'running',
        unobserved: first?.unobserved,
      });
      expect(JSON.parse(found[0]?.document ?? '')).toMatchObject({ id: first?.id, downtimeMs: 300 });
      const id = first?.id ?? '';
      expect(await migrationOf(temporary.store, { cluster: 'c1', id })).toEqual(found[0]);
      expect(await migrationOf(temporary.store, { cluster: 'c2', id })).toMatchObject({ id, cluster: 'c2', outcome: 'failed' });
      expect(await migrationOf(temporary.store, { cluster: 'c1', id: 'nobody' })).toBeNull();
    });

    it('are found by period, host, VM and number', async () => {
      const { store } = temporary;
      const startedAt = good.migrations[0]?.startedAt ?? 0;
      const count = async (filter: object): Promise<number> => (await migrations(store, filter)).length;
      expect(await count({})).toBe(2);
      expect(await count({ since: startedAt, until: startedAt + 1 })).toBe(2);
      expect(await count({ since: startedAt + 1 })).toBe(0);
      expect(await count({ until: startedAt })).toBe(0);
      expect(await count({ host: 'kvm-b', vm: VM, limit: 1 })).toBe(1);
      expect(await count({ host: 'kvm-c' })).toBe(0);
      expect(await count({ vm: 'i-2-1-VM' })).toBe(0);
    });

    it('slowest first, by how long they took', async () => {
      const found = await slowestMigrations(temporary.store);
      const durations = [...good.migrations, ...bad.migrations].map(({ startedAt, endedAt }) => (endedAt ?? 0) - startedAt);
      expect(found.map(({ durationMs }) => durationMs)).toEqual(durations.toSorted((a, b) => b - a));
    });

    it('downtimes are those of completed ones', async () => {
      expect(await downtimePercentiles(temporary.store)).toEqual([
        {
          cluster: 'c1',
          source: 'kvm-a',
          destination: 'kvm-b',
          migrations: 1,
          p50Ms: 300,
          p95Ms: 300,
          p99Ms: 300,
          maxMs: 300,
          beyondLimit: 0,
          unknown: 0,
        },
      ]);
    });

    it('one that vanished is gone, and comes back with a higher version; a lower one changes nothing', async () => {
      const { store } = temporary;
      const writer = createWriter(store);
      const edition = { cluster: 'c3', writtenAt: AT, findings: [] };
      const id = good.migrations[0]?.id ?? '';
      const count = async (): Promise<number> => (await migrations(store, { cluster: 'c3' })).length;
      await writer.writeTimelines({ ...edition, version: 5, migrations: good.migrations, vanished: NONE });
      expect(await count()).toBe(1);
      await writer.writeTimelines({ ...edition, version: 6, migrations: [], vanished: { migrations: [id], findings: [] } });
      expect(await count()).toBe(0);
      await writer.writeTimelines({ ...edition, version: 4, migrations: good.migrations, vanished: NONE });
      expect(await count()).toBe(0);
      await writer.writeTimelines({ ...edition, version: 7, migrations: good.migrations, vanished: NONE });
      expect(await count()).toBe(1);
      await writer.writeTimelines({ ...edition, version: 8, migrations: [], vanished: { migrations: [id], findings: [] } });
    });
  });

  describe('findings and hosts', { timeout: 30_000 }, () => {
    it('findings are there once, with evidence and remedies in their document', async () => {
      const expected = findingsOf(bad, detectors);
      const found = await findings(temporary.store, { cluster: 'c2' });
      expect(found.map(({ id }) => id).toSorted()).toEqual(expected.map(({ id }) => id).toSorted());
      const [incompatible] = await findings(temporary.store, { cluster: 'c2', detector: 'cpu-incompatible' });
      expect(incompatible).toMatchObject({ vm: VM, migration: bad.migrations[0]?.id });
      const document = JSON.parse(incompatible?.document ?? '') as {
        readonly evidence: readonly unknown[];
        readonly remedies: readonly unknown[];
      };
      expect([document.evidence.length > 0, document.remedies.length > 0]).toEqual([true, true]);
      expect(await findings(temporary.store, { detector: 'nobody' })).toEqual([]);
    });

    it('facts: the newest of each, and when they changed', async () => {
      const { store } = temporary;
      const row = (value: string, since: number, seenAt: number): object => ({
        cluster: 'c1',
        host: 'kvm-a',
        name: 'cpu.model',
        value,
        since: AT + since,
        seenAt: AT + seenAt,
      });
      expect(await hostFacts(store)).toEqual([row('EPYC', 3, 4)]);
      expect(await hostFactChanges(store)).toEqual([row('EPYC', 3, 4), row('Xeon', 2, 2), row('EPYC', 0, 1)]);
      expect(await hostFacts(store, { prefix: 'mtu.' })).toEqual([]);
    });

    it('CPUs: what they broke, and what hosts say of theirs', async () => {
      const { failures, facts } = await cpu(temporary.store);
      expect(failures).toMatchObject([{ cluster: 'c2', vm: VM, source: 'kvm-a', destination: 'kvm-b' }]);
      expect(facts).toMatchObject([{ name: 'cpu.model', value: 'EPYC' }]);
    });

    it('heartbeats and temperatures: the last, the worst, and when', async () => {
      expect(await heartbeats(temporary.store)).toMatchObject([
        { host: 'kvm-a', pool: 'p1', writes: 3, p50Ms: 20, maxMs: 900, slowestAt: AT + 1, lastAt: AT + 2 },
      ]);
      expect(await temperatures(temporary.store)).toEqual([
        {
          cluster: 'c1',
          host: 'kvm-a',
          sensor: 'core/Core 0',
          lastCelsius: 60,
          lastAt: AT + 2,
          maxCelsius: 80,
          maxAt: AT + 1,
          highCelsius: null,
          critCelsius: 100,
        },
      ]);
    });
  });

  describe('lines and events of one VM', { timeout: 30_000 }, () => {
    it('the timeline has its events, once, and no other VM has them', async () => {
      const found = await vmTimeline(temporary.store, { vm: VM });
      expect(found.map(({ event: { body } }) => body)).toEqual([{ kind: 'migrate-progress', vm: VM, waitedMs: 1000 }]);
    });

    it('lines are found by the VM that they name, by host and period, and by words', async () => {
      const { store } = temporary;
      expect((await linesWithWords(store, {}, VM.split('-'))).map(({ text }) => text)).toEqual(['one for i-2-10-VM']);
      const between = await linesBetween(store, { host: 'kvm-a', since: AT, until: AT + 2 });
      expect(between.map(({ text }) => text)).toEqual(['whole', 'one for i-2-10-VM', 'bad', 'last i-2-100-VM', 'two']);
      expect((await linesWithWords(store, {}, ['0a1b2c3d'])).map(({ text, line }) => [text, line])).toEqual([
        ['three logid:0a1b2c3d', 3],
      ]);
      expect(await linesWithWords(store, {}, ['nowhere', 'two'])).toEqual([]);
    });
  });

  describe('what arrived', { timeout: 30_000 }, () => {
    it('every gap and every overlap is named', async () => {
      const found = await coverage(temporary.store, { host: 'kvm-a' });
      expect(
        found.map(({ fileId, fromOffset, toOffset, fromLine, toLine, chunks: n, missingBytes, missingLines, overlapBytes }) => [
          fileId,
          fromOffset,
          toOffset,
          fromLine,
          toLine,
          n,
          missingBytes,
          missingLines,
          overlapBytes,
        ]),
      ).toEqual([
        ['f2', 500, 506, 20, 21, 1, 0, 0, 0],
        ['f1', 0, 43, 0, 3, 2, 0, 0, 0],
        ['f1', 72, 92, 5, 7, 2, 29, 2, 16],
      ]);
      expect(found[0]).toMatchObject({ firstAt: null, lastAt: null, firstObservedAt: AT + 500 });
      expect(await gapsOf(temporary.store)).toEqual(found.slice(2));
      expect(await gapsOf(temporary.store, { since: AT + 9000 })).toEqual([]);
    });

    it('rejected records are counted, and shown', async () => {
      expect(await rejectedRates(temporary.store)).toMatchObject([
        { host: 'kvm-a', source: 'cloudstack-agent', records: 7, withEvents: 0, plain: 6, rejected: 1, rejectedShare: 1 / 7 },
      ]);
      expect(await rejectedRecords(temporary.store)).toMatchObject([{ reason: 'bad-json', line: 6, text: 'bad' }]);
    });

    it('lateness is from the last record of a chunk to its reading', async () => {
      expect(await lateness(temporary.store)).toMatchObject([{ chunks: 4, minMs: 499, maxMs: 9100 }]);
    });
  });
});
