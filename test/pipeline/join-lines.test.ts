import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Chunk } from '../../src/model/chunk.ts';
import { createLineJoiner, type LineJoiner } from '../../src/pipeline/join-lines.ts';
import { createMessageReader } from '../../src/pipeline/shipped-lines.ts';
import type { ShippedTopic } from '../../src/pipeline/shipped-topic.ts';
import type { PlacedMessage } from '../../src/stream/stream.ts';

const TOPIC: ShippedTopic = {
  topic: 'logs',
  format: 'plain',
  cluster: 'c1',
  timezone: 'UTC',
  host: null,
  path: null,
  rules: [{ path: 'agent.log', source: 'cloudstack-agent' }],
};
const AT = Date.UTC(2026, 10, 23, 5, 0);
const FIRST =
  '2026-11-23 05:42:38,409 ERROR [kvm.resource.LibvirtComputingResource] (agentRequest-Handler-2:null) (logid:2f4d8a9e) it failed';
const NEXT = FIRST.replace('05:42:38', '05:42:39');
const read = createMessageReader(TOPIC, 0);

interface Shipped {
  readonly text: string;
  readonly host?: string;
  readonly atMs?: number;
}

/** A message of the line, at its place in the partition. */
function message({ text, host = 'kvm1', atMs = 0 }: Shipped, offset: number): PlacedMessage {
  return { key: host, headers: { path: '/logs/agent.log' }, value: Buffer.from(text), offset, storedAt: AT + atMs };
}

/** What one batch gives. */
function batch(joiner: LineJoiner, messages: readonly PlacedMessage[]): readonly Chunk[] {
  for (const each of messages) for (const line of read(each).lines) joiner.add(line);
  return joiner.take();
}

function textsOf(chunks: readonly Chunk[]): readonly string[] {
  return chunks.map(({ bytes }) => Buffer.from(bytes).toString());
}

function chunksOf(lines: readonly Shipped[]): readonly Chunk[] {
  return batch(createLineJoiner(null), lines.map(message));
}

/** What is stored in the end: of an identity the last counts. */
function stored(chunks: readonly Chunk[]): ReadonlyMap<string, string> {
  return new Map(
    chunks.map(({ header: { host, fileId, offset }, bytes }) => [`${host} ${fileId} ${offset}`, Buffer.from(bytes).toString()]),
  );
}

describe('lines of one record', () => {
  test('become one chunk, with the lines of another host between them', () => {
    const lines = [
      { text: FIRST },
      { text: FIRST, host: 'kvm2' },
      { text: '\tat a' },
      { text: '\tat b', host: 'kvm2' },
      { text: NEXT },
    ];
    expect(textsOf(chunksOf(lines))).toEqual([`${FIRST}\n\tat a\n`, `${FIRST}\n\tat b\n`, `${NEXT}\n`]);
  });

  test('that come in another batch make it longer, and it keeps its identity', () => {
    const joiner = createLineJoiner(null);
    const [first] = batch(joiner, [message({ text: FIRST }, 7)]);
    const [longer] = batch(joiner, [message({ text: '\tat a', atMs: 900 }, 8)]);
    expect(longer?.header).toEqual(first?.header);
    expect(textsOf(longer === undefined ? [] : [longer])).toEqual([`${FIRST}\n\tat a\n`]);
  });

  test('that come more than a second later do not belong to it', () => {
    expect(textsOf(chunksOf([{ text: FIRST }, { text: '\tat a', atMs: 1001 }]))).toEqual([`${FIRST}\n`, '\tat a\n']);
  });

  test('that would make it longer than 256 KiB are chunks of their own, and none is lost', () => {
    const long = 'x'.repeat(100_000);
    const lines = chunksOf([{ text: FIRST }, { text: long }, { text: long }, { text: long }]);
    expect(textsOf(lines).join('')).toBe(`${[FIRST, long, long, long].join('\n')}\n`);
    expect(lines).toHaveLength(2);
  });

  test('have their secrets masked, lengths kept', () => {
    const [chunk] = chunksOf([{ text: `${FIRST} {"vncPassword":"abc123","x":1}` }]);
    expect(textsOf(chunk === undefined ? [] : [chunk])).toEqual([`${FIRST} {"vncPassword":"******","x":1}\n`]);
  });
});

test('however a partition is cut into batches, and wherever a reader is replaced in between, the same is stored', () => {
  const line = fc.record({
    text: fc.constantFrom(FIRST, NEXT, '\tat a', 'Caused by: b', ''),
    host: fc.constantFrom('kvm1', 'kvm2'),
    atMs: fc.constant(0),
  });
  const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 20, maxLength: 20 });
  const property = fc.property(fc.array(line, { maxLength: 20 }), sizes, (lines, sizesOfBatches) => {
    const messages = lines.map(message);
    const chunks: Chunk[] = [];
    let note: string | null = null;
    let at = 0;
    for (const size of sizesOfBatches) {
      const joiner = createLineJoiner(note);
      chunks.push(...batch(joiner, messages.slice(at, at + size)));
      note = joiner.note();
      at += size;
    }
    expect(stored(chunks)).toEqual(stored(batch(createLineJoiner(null), messages)));
  });
  fc.assert(property, { numRuns: 300 });
});

test('a note of any other text is none', () => {
  for (const note of ['', '{}', '[{"v":2}]', 'not JSON']) expect(createLineJoiner(note).note()).toBe('[]');
});

test('a note has at most 4,000 characters, whatever goes on', () => {
  const joiner = createLineJoiner(null);
  batch(
    joiner,
    Array.from({ length: 100 }, (_, i) => message({ text: `${FIRST} ${'y'.repeat(500)}`, host: `kvm${i}` }, i)),
  );
  expect(joiner.note().length).toBeLessThanOrEqual(4000);
  expect(JSON.parse(joiner.note())).not.toEqual([]);
});

describe('places', () => {
  test('of messages do not meet, up to the last that Kafka can have', () => {
    for (const offset of [0, 2 ** 27 - 1, 2 ** 27, 2 ** 40]) {
      const [one, two] = [offset, offset + 1].map((each) => read(message({ text: FIRST }, each)).lines[0]?.header);
      expect([one?.fileId, one?.offset]).not.toEqual([two?.fileId, two?.offset]);
      expect(Math.max(one?.offset ?? 0, two?.offset ?? 0)).toBeLessThan(1e15);
    }
  });

  test('of partitions do not meet', () => {
    const other = createMessageReader(TOPIC, 1)(message({ text: FIRST }, 5)).lines[0]?.header;
    expect(other?.fileId).not.toBe(read(message({ text: FIRST }, 5)).lines[0]?.header.fileId);
  });

  test('of a file that its shipper knows by its first bytes are those in the file, empty lines that it left out included', () => {
    const filebeat = createMessageReader({ ...TOPIC, format: 'filebeat' }, 0);
    const event = (text: string, offset: number): string =>
      JSON.stringify({
        '@timestamp': '2026-11-23T05:42:38.409Z',
        message: text,
        host: { name: 'kvm1' },
        log: { offset, file: { path: '/logs/agent.log', fingerprint: 'f' } },
      });
    const joiner = createLineJoiner(null);
    const texts = [event(FIRST, 1000), event('\tat a', 1000 + FIRST.length + 2)];
    for (const [i, value] of texts.entries())
      for (const line of filebeat({ key: '', headers: {}, value: Buffer.from(value), offset: i, storedAt: AT }).lines)
        joiner.add(line);
    const chunks = joiner.take();
    expect(chunks.map(({ header }) => header.offset)).toEqual([1000]);
    expect(textsOf(chunks)).toEqual([`${FIRST}\n\n\tat a\n`]);
  });
});
