import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { publishFindings } from '../../src/pipeline/publish-findings.ts';
import type { Changes, TimelineStore } from '../../src/pipeline/timelines.ts';
import { findingMessage, type FindingMessage } from '../../src/reports/finding-message.ts';
import { findingDocument, migrationDocument } from '../../src/reports/json.ts';
import { openEmbeddedStream } from '../../src/stream/embedded.ts';
import { FINDINGS_TOPIC, type Stream } from '../../src/stream/stream.ts';
import { analysedFolder } from '../recording.ts';

let folder: string;
let stream: Stream;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'precopy-findings-'));
  stream = await openEmbeddedStream({ folder });
});
afterAll(async () => {
  await stream.close();
  await rm(folder, { recursive: true, force: true });
});

const NOTHING: Changes = {
  migrations: [],
  findings: [],
  fresh: new Set(),
  ended: new Set(),
  goneMigrations: [],
  goneFindings: [],
};

async function published(): Promise<readonly { readonly key: string; readonly told: FindingMessage }[]> {
  const all: { readonly key: string; readonly told: FindingMessage }[] = [];
  await stream.scan(FINDINGS_TOPIC, async ({ messages }) => {
    for (const { key, value } of messages)
      all.push({ key, told: findingMessage.parse(JSON.parse(Buffer.from(value).toString())) });
  });
  return all;
}

test('each change of a finding is a message of its cluster, sent before it is stored', async () => {
  const { findings, migrations } = await analysedFolder('recordings/libvirt-9.0/cpu-incompatible');
  const [finding] = findings;
  const migration = migrations.find(({ id }) => id === finding?.migration);
  if (finding === undefined || migration === undefined) throw new Error('no finding of a migration');
  const written: number[] = [];
  const store = {
    async write() {
      written.push((await published()).length);
    },
  } as Partial<TimelineStore> as TimelineStore;
  const timelines = publishFindings(store, await stream.producer(), { now: () => Date.UTC(2026, 10, 24, 10), origin: null });
  const found = { id: finding.id, finding, migration, foundAt: 0 };
  await timelines.write('zone 1/kvm', { ...NOTHING, findings: [found], fresh: new Set([finding.id]) });
  await timelines.write('zone 1/kvm', { ...NOTHING, findings: [found] });
  const gone = { ...finding, migration: null, foundAt: 0, document: JSON.stringify(findingDocument(finding)) };
  await timelines.write('zone 1/kvm', { ...NOTHING, goneFindings: [gone] });
  await timelines.write('zone 1/kvm', NOTHING);
  expect(written).toEqual([1, 2, 3, 3]);
  const all = await published();
  expect(all.map(({ told }) => told.migration)).toEqual([migrationDocument(migration), migrationDocument(migration), null]);
  expect(all.map(({ told }) => told.change)).toEqual(['found', 'changed', 'withdrawn']);
  for (const { key, told } of all) {
    expect(key).toBe('zone%201%2Fkvm');
    expect(told).toMatchObject({ id: finding.id, cluster: 'zone 1/kvm', at: '2026-11-24T10:00:00.000Z' });
    expect(told.finding).toEqual(findingDocument(finding));
  }
});

test('a message of a processor that says less is understood', async () => {
  const { findings } = await analysedFolder('recordings/libvirt-9.0/cpu-incompatible');
  const [finding] = findings;
  if (finding === undefined) throw new Error('no finding');
  const told = {
    schema: 'precopy/finding@1',
    change: 'found',
    id: finding.id,
    cluster: 'c1',
    at: '2026-11-24T10:00:00.000Z',
    finding: findingDocument(finding),
  };
  expect(findingMessage.parse(told)).toEqual({ ...told, migration: null, quotes: [] });
});
