import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPacker, createUnpacker, type EventBatch } from '../../src/ingest/event-batch.ts';
import type { EventBody, ParsedEvent } from '../../src/model/event.ts';
import type { FileContext, Stamp } from '../../src/model/source.ts';

const file: FileContext = { host: 'kvm-a', source: 'libvirtd', path: 'libvirtd.log', vm: null };

/** What comes out at the other end of a thread's port, in batches of `size`. */
function sent(events: readonly ParsedEvent[], size: number): readonly ParsedEvent[] {
  const packer = createPacker();
  const unpack = createUnpacker((text) => text);
  const arrived: ParsedEvent[] = [];
  const send = (batch: EventBatch): void => unpack(structuredClone(batch), file, (event) => arrived.push(event));
  for (const event of events) {
    packer.add(event);
    if (packer.waiting() === size) send(packer.batch());
  }
  send(packer.batch());
  return arrived;
}

const value = fc.oneof(
  fc.constant(null),
  fc.constant(Number.NaN),
  fc.boolean(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.string({ unit: 'grapheme' }),
  fc.array(fc.integer()),
  fc.array(fc.string()),
);

/** Bodies of any fields, some of them with texts that are sent once and repeated by number. */
const body = fc
  .record(
    { kind: fc.constantFrom('job-sample', 'frame-seen'), vm: value, mac: value, pass: value, text: value, againAfterMs: value },
    { requiredKeys: ['kind'] },
  )
  .map((fields) => fields as unknown as EventBody);

const stamp: fc.Arbitrary<Stamp | null> = fc.option(
  fc.record({
    ms: fc.integer({ min: -8.64e15, max: 8.64e15 }),
    clock: fc.constantFrom('utc', 'local'),
    missing: fc.constantFrom('nothing', 'year', 'date'),
  }),
);

const event: fc.Arbitrary<ParsedEvent> = fc.record({
  body,
  stamp,
  origin: fc.record({
    file: fc.constant(file),
    line: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
    offset: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    text: fc.string({ unit: 'grapheme' }),
    messageAt: fc.nat(1000),
    written: fc.string(),
  }),
});

test('events arrive from a thread as they were, whatever their fields hold and however many go into a batch', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), fc.integer({ min: 1, max: 7 }), (events, size) => {
      // copies on both sides: fast-check makes some objects without a prototype
      expect(structuredClone(sent(events, size))).toEqual(structuredClone(events));
    }),
  );
});

test('a text of thousands of events, and a list longer than what there was room for, arrive whole', () => {
  const events = Array.from({ length: 9000 }, (_, i): ParsedEvent => ({
    body: {
      kind: 'frame-seen',
      mac: `52:54:00:00:00:${i % 90}`,
      againAfterMs: Array.from({ length: i % 50 }, (__, n) => n * 100),
    },
    origin: {
      file,
      line: i + 1,
      offset: i * 3e6,
      text: `2026-11-23 02:45:32 frame ${i}`,
      messageAt: 20,
      written: '2026-11-23 02:45:32',
    },
    stamp: { ms: 1_795_401_932_000 + i, clock: 'local', missing: 'nothing' },
  }));
  expect(sent(events, 9000)).toEqual(events);
});

test('a repeated text crosses once, and is one text for all files', () => {
  const packer = createPacker();
  const words: string[] = [];
  const unpack = createUnpacker((text) => (words.push(text), text));
  for (let line = 1; line <= 3; line += 1) {
    packer.add({
      body: { kind: 'migrate-succeeded', vm: 'i-2-7-VM' },
      origin: { file, line, offset: line, text: 'done', messageAt: 0, written: '' },
      stamp: null,
    });
    unpack(packer.batch(), file, () => {});
  }
  expect(words.toSorted()).toEqual(['i-2-7-VM', 'migrate-succeeded']);
});
