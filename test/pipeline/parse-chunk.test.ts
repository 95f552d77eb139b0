import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ParsedEvent } from '../../src/model/event.ts';
import { createScanner } from '../../src/parsers/scan.ts';
import { createZoneCache } from '../../src/pipeline/instant.ts';
import { parseChunk } from '../../src/pipeline/parse-chunk.ts';
import { cloudstackAgent } from '../../src/parsers/cloudstack-agent.ts';
import { chunksOf, collectedFiles } from './chunks.ts';

const zones = createZoneCache();
const RECORDED = [
  'libvirt-9.0/split-brain',
  'libvirt-7.0/storage-spike',
  'libvirt-11.3/not-converging',
  'libvirt-9.0/two-at-once',
];

describe.each(RECORDED)('%s', (name) => {
  test('chunks of any size give the events, lines and offsets of the whole file', async () => {
    for (const file of await collectedFiles(`recordings/${name}`)) {
      const whole: ParsedEvent[] = [];
      const scanner = createScanner(file.parser, file.header, (event) => whole.push(event));
      scanner.push(file.bytes.toString('latin1'));
      const tally = scanner.end();
      fc.assert(
        fc.property(fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 20 }), (sizes) => {
          let next = 0;
          const chunks = chunksOf(file, () => sizes[next++ % sizes.length] ?? 1);
          const parsed = chunks.map((chunk) => parseChunk(chunk, file.parser, zones));
          const events = parsed.flatMap((chunk) => chunk.events.map(({ event }) => event));
          expect(events.map(({ body, origin: { line, offset, text } }) => ({ body, line, offset, text }))).toEqual(
            whole.map(({ body, origin: { line, offset, text } }) => ({ body, line, offset, text })),
          );
          expect(parsed.reduce((sum, { counts }) => sum + counts.lines, 0)).toBe(tally.lines);
          expect(parsed.reduce((sum, { counts }) => sum + counts.records, 0)).toBe(tally.records);
          expect(parsed.reduce((sum, { counts }) => sum + counts.plain, 0)).toBe(tally.plain);
        }),
        { numRuns: 5 },
      );
    }
  });
});

const header = {
  cluster: 'c1',
  host: 'kvm-a',
  source: 'cloudstack-agent',
  path: '/var/log/cloudstack/agent/agent.log',
  vm: null,
  zone: 'Europe/Berlin',
  fileId: 'f',
  offset: 0,
  line: 0,
  observedAt: Date.UTC(2026, 9, 25, 12),
} as const;

function agentLine(time: string, text = 'x'): string {
  return `${time} INFO  [cloud.agent.Agent] (main:null) (logid:) ${text}\n`;
}

function atsOf(text: string, changes: Partial<typeof header> | Record<string, unknown> = {}): readonly string[] {
  const { at } = parseChunk({ header: { ...header, ...changes }, bytes: Buffer.from(text) }, cloudstackAgent, zones);
  return at.map((ms) => new Date(ms).toISOString());
}

describe('local times', () => {
  test('become UTC by the zone of the chunk', () => {
    expect(atsOf(agentLine('2026-07-01 12:00:00,000'))).toEqual(['2026-07-01T10:00:00.000Z']);
    expect(atsOf(agentLine('2026-07-01 12:00:00,000'), { zone: 'UTC' })).toEqual(['2026-07-01T12:00:00.000Z']);
  });

  test('of the hour that comes twice are told apart by their order within the chunk', () => {
    const text = ['02:10', '02:50', '02:10', '02:50'].map((clock) => agentLine(`2026-10-25 ${clock}:00,000`)).join('');
    expect(atsOf(text)).toEqual([
      '2026-10-25T00:10:00.000Z',
      '2026-10-25T00:50:00.000Z',
      '2026-10-25T01:10:00.000Z',
      '2026-10-25T01:50:00.000Z',
    ]);
  });

  test('of that hour are the second ones where these were just written when they were read', () => {
    const text = agentLine('2026-10-25 02:10:00,000');
    expect(atsOf(text, { observedAt: Date.UTC(2026, 9, 25, 0, 10, 1) })).toEqual(['2026-10-25T00:10:00.000Z']);
    expect(atsOf(text, { observedAt: Date.UTC(2026, 9, 25, 1, 10, 1) })).toEqual(['2026-10-25T01:10:00.000Z']);
  });
});

test('a time that can be none is rejected, kept with the time of its reading, and means nothing', () => {
  const text = '1970-01-01 00:00:01,000 INFO  [x.Y] (main:null) (logid:) Migration thread of VM [i-5-77-VM] finished.\n';
  const parsed = parseChunk({ header, bytes: Buffer.from(text) }, cloudstackAgent, zones);
  expect(parsed).toMatchObject({ outcomes: ['bad-time'], at: [header.observedAt], events: [] });
  expect(parsed.counts).toMatchObject({ records: 1, rejected: 1 });
});

test('lines of a record that began in the chunk before are no loss', () => {
  const text = `\tat com.cloud.agent.Agent.run(Agent.java:1)\n${agentLine('2026-07-01 12:00:00,000')}`;
  const rest = parseChunk({ header: { ...header, offset: 5000, line: 40 }, bytes: Buffer.from(text) }, cloudstackAgent, zones);
  expect(rest).toMatchObject({ outcomes: ['continued', 'plain'], counts: { rejected: 0 } });
  const start = parseChunk({ header, bytes: Buffer.from(text) }, cloudstackAgent, zones);
  expect(start).toMatchObject({ outcomes: ['no-header', 'plain'] });
});

test('a stack trace has the time of its record', () => {
  const text = `${agentLine('2026-07-01 12:00:00,000')}\tat a.b(C.java:1)\n\tat a.b(C.java:2)\n`;
  expect(new Set(atsOf(text))).toEqual(new Set(['2026-07-01T10:00:00.000Z']));
});
