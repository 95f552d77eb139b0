import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stableId } from '../../src/lib/hash.ts';
import { createShipperIntake, type ShipperIntake, type ShipperWatch } from '../../src/pipeline/shipper-intake.ts';
import type { ShippedTopic } from '../../src/pipeline/shipped-topic.ts';
import type { ShipperFormat } from '../../src/pipeline/shippers/shipper.ts';
import { DEAD_LETTERS_TOPIC, type StreamMessage } from '../../src/stream/stream.ts';
import { collectedFiles, type CollectedFile } from './chunks.ts';
import { openInstance, type Instance } from './instance.ts';
import { enveloped, ENVELOPES, type Line } from './enveloped.ts';
import { analysedOf, storedOf, type Told } from './told.ts';

let instance: Instance;

beforeAll(async () => {
  instance = await openInstance();
}, 60_000);
afterAll(() => instance.remove());

function topicOf(name: string, format: ShipperFormat, { files = [], zone = 'Europe/Berlin' }: TopicParts = {}): ShippedTopic {
  return {
    topic: stableId('topic', name),
    format,
    cluster: name,
    timezone: 'UTC',
    host: null,
    path: null,
    rules: files.map(({ header: { path, source } }) => ({
      path,
      source,
      timezone: source === 'cloudstack-agent' ? zone : 'UTC',
    })),
  };
}

interface TopicParts {
  readonly files?: readonly CollectedFile[];
  /** Of their agents. */
  readonly zone?: string;
}

function intakeOf(topic: ShippedTopic, watch: Partial<ShipperWatch> = {}): ShipperIntake {
  return createShipperIntake({
    shipped: instance.stream,
    stream: instance.stream,
    topics: [topic],
    groupPrefix: '',
    watch: {
      taken() {},
      skipped() {},
      deadLetter() {},
      failed(error) {
        throw error;
      },
      ...watch,
    },
  });
}

/** Sends messages in groups of some, takes them in, and tells timelines of them. */
async function streamed(topic: ShippedTopic, messages: readonly StreamMessage[], together = 500): Promise<void> {
  const intake = intakeOf(topic);
  await intake.start();
  for (let i = 0; i < messages.length; i += together) await instance.producer.send(topic.topic, messages.slice(i, i + together));
  await intake.idle();
  await intake.stop();
  const processor = instance.processor();
  await processor.start();
  await processor.idle();
  await processor.stop();
}

/** Numbers of lines are not known of what others ship. */
function withoutLines(told: Told): unknown {
  return JSON.parse(JSON.stringify(told, (key, value: unknown) => (key === 'line' ? undefined : value)));
}

/** Physical lines of all files, those of one file in their order, files taking turns. */
function physicalLines(files: readonly CollectedFile[]): readonly Line[] {
  const byFile = files.map(({ header: { host, path }, bytes }) => {
    let offset = 0;
    const texts = bytes.toString('utf8').replace(/\n$/, '').split('\n');
    return texts.map((text): Line => {
      const line = { host, path, text, offset };
      offset += Buffer.byteLength(text) + 1;
      return line;
    });
  });
  const most = Math.max(...byFile.map((lines) => lines.length));
  return Array.from({ length: most }, (_, i) => byFile.flatMap((lines) => lines.slice(i, i + 1))).flat();
}

describe.each([
  ['libvirt-9.0/cpu-incompatible', 'Europe/Berlin'],
  ['libvirt-9.0/not-converging', 'America/New_York'],
])('%s', (recording, zone) => {
  test.each(ENVELOPES)(
    'shipped by %s line by line, it ends in what analyze tells',
    async (format) => {
      const folder = `recordings/${recording}`;
      const name = `${format} ${recording}`;
      const files = await collectedFiles(folder, { cluster: name });
      const messages = enveloped(format, physicalLines(files));
      await streamed(topicOf(name, format, { files, zone }), messages);
      expect(withoutLines(await storedOf(instance.store, name))).toEqual(withoutLines(await analysedOf(folder)));
    },
    120_000,
  );
});

test('messages that come again, in other batches, store nothing twice', async () => {
  const name = 'again';
  const files = await collectedFiles('recordings/libvirt-9.0/cpu-incompatible', { cluster: name });
  const topic = topicOf(name, 'vector', { files });
  const messages = enveloped('vector', physicalLines(files));
  await streamed(topic, messages, 37);
  const before = await stored(name);
  // another installation's group reads the topic from its beginning
  const again = createShipperIntake({
    shipped: instance.stream,
    stream: instance.stream,
    topics: [topic],
    groupPrefix: 'again.',
    watch: { taken() {}, skipped() {}, deadLetter() {}, failed() {} },
  });
  await again.start();
  await again.idle();
  await again.stop();
  const processor = instance.processor();
  await processor.start();
  await processor.idle();
  await processor.stop();
  expect(await stored(name)).toEqual(before);
  expect(Number(before.lines)).toBe(messages.length);
}, 120_000);

test('a batch that could not be sent comes again, and lines of a record that began before are not joined twice', async () => {
  const topic = topicOf('refused', 'filebeat');
  const sent: string[] = [];
  let refuse = false;
  const failures: unknown[] = [];
  const intake = createShipperIntake({
    shipped: instance.stream,
    stream: {
      ...instance.stream,
      producer: async () => ({
        async send(_, messages) {
          if (refuse) {
            refuse = false;
            throw new Error('no room');
          }
          sent.push(...messages.map(({ value }) => Buffer.from(value).toString()));
        },
        close: () => Promise.resolve(),
      }),
    },
    topics: [topic],
    groupPrefix: '',
    watch: { taken() {}, skipped() {}, deadLetter() {}, failed: (error) => failures.push(error) },
  });
  await intake.start();
  // longer than a note can be
  const first = `2026-11-23 05:42:38,409 INFO  [a] (b:null) (logid:c) ${'x'.repeat(5000)}`;
  const path = '/var/log/cloudstack/agent/agent.log';
  await instance.producer.send(topic.topic, enveloped('filebeat', [{ host: 'kvm1', path, text: first, offset: 0 }]));
  await intake.idle();
  refuse = true;
  const next = { host: 'kvm1', path, text: '\tat a', offset: first.length + 1 };
  await instance.producer.send(topic.topic, enveloped('filebeat', [next]));
  await intake.idle();
  await intake.stop();
  expect(failures).toHaveLength(1);
  expect(sent).toEqual([`${first}\n`, `${first}\n\tat a\n`]);
}, 20_000);

interface Stored {
  readonly lines: unknown;
  readonly events: unknown;
}

async function stored(cluster: string): Promise<Stored> {
  const count = async (table: string): Promise<unknown> =>
    (
      await instance.store.query<{ readonly n: unknown }>(
        `SELECT count() AS n FROM ${table} FINAL WHERE cluster = {cluster: String}`,
        { cluster },
      )
    )[0]?.n;
  return { lines: await count('lines'), events: await count('events') };
}

describe('what cannot be read goes to the dead letters with its reason', () => {
  const line = {
    '@timestamp': '2026-11-23T05:42:38.409Z',
    message: 'a',
    log: { file: { path: '/var/log/cloudstack/agent/agent.log' } },
  };

  test.each([
    ['broken JSON', '{"message":', /^not JSON: /],
    ['a wrong type', JSON.stringify({ ...line, message: 7 }), /^message: .*expected string/],
    ['no file', JSON.stringify({ ...line, log: {} }), /^log\.file: /],
    ['no host', JSON.stringify(line), /^no host: /],
    ['no host, and a secret', JSON.stringify({ ...line, message: '{"vncPassword":"abc123"}' }), /^no host: /],
  ])('%s', async (name, value, reason) => {
    const topic = topicOf(`dead ${name}`, 'filebeat');
    const problems: string[] = [];
    const intake = intakeOf(topic, { deadLetter: (problem) => problems.push(problem) });
    await intake.start();
    await instance.producer.send(topic.topic, [{ key: '', headers: {}, value: Buffer.from(value) }]);
    await intake.idle();
    await intake.stop();
    expect(problems).toEqual([expect.stringMatching(reason)]);
    const letters: string[] = [];
    await instance.stream.scan(DEAD_LETTERS_TOPIC, async ({ messages }) => {
      for (const { headers, value: kept } of messages)
        if (headers['shippedTopic'] === topic.topic)
          letters.push(`${decodeURIComponent(headers['reason'] ?? '')} ${Buffer.from(kept).toString()}`);
    });
    expect(letters).toEqual([`${problems[0]} ${value.replace('abc123', '******')}`]);
  });

  test('lines that nobody reads are told, not kept', async () => {
    const topic = topicOf('others', 'filebeat');
    const skipped: string[] = [];
    const problems: string[] = [];
    const intake = intakeOf(topic, {
      skipped: (_, names) => skipped.push(...names),
      deadLetter: (problem) => problems.push(problem),
    });
    await intake.start();
    const value = JSON.stringify({ ...line, log: { file: { path: '/var/log/nginx/access.log' } } });
    await instance.producer.send(topic.topic, [{ key: '', headers: {}, value: Buffer.from(value) }]);
    await intake.idle();
    await intake.stop();
    expect({ skipped, problems }).toEqual({ skipped: ['/var/log/nginx/access.log'], problems: [] });
  });
});
